"""One process with an api's and billing's hands on the money."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from services.api.submit import Submissions
from services.billing.audit import Auditor
from services.billing.coupon_uses import CouponSweeper
from services.billing.settle import Settlement
from shared.killpoints import KillPoints
from shared.ledger.chain import Ledger
from shared.ledger.refunds import Refunds
from shared.ledger.usage import UsageFold
from shared.mongo import Database
from shared.tasks.intake import Intake
from shared.tasks.lifecycle import Role, State
from shared.tasks.store import TaskStore
from tests.chaos.money.faults import Faults, FaultyDatabase
from tests.integration.recording import Bell, tools_with
from tests.unit.building import StillClock

SETTLING_TIME = timedelta(seconds=30)
SWEEP_HOLD = timedelta(seconds=5)


class Process:
    """Dies with its faults; another one takes its place."""

    def __init__(self, database: Database, clock: StillClock, bell: Bell) -> None:
        self.faults = Faults()
        seen: Any = FaultyDatabase(database, self.faults)
        killpoints = KillPoints()
        self.ledger = Ledger(seen, clock)
        publisher: Any = bell
        self.submissions = Submissions(
            TaskStore(seen, clock, Role.API), self.ledger, publisher, clock, killpoints
        )
        tools = tools_with(bell, seen, clock, Role.BILLING)
        settlement = Settlement(tools, self.ledger, clock, killpoints)
        self.usage = UsageFold(seen, self.ledger, killpoints)
        self.auditor = Auditor(
            seen, tools, self.ledger, self.usage, clock, killpoints, timedelta(seconds=15), SETTLING_TIME
        )
        self.coupons = CouponSweeper(seen, self.ledger, clock, timedelta(seconds=15), SETTLING_TIME)
        self.refunds = Refunds(seen, self.ledger)
        self._store = tools.store
        self.intake = Intake(tools.store, tools.mover, settlement.routes())

    async def sweep(self) -> int:
        """Settle what is due; gives how many tasks that were."""
        due = await self._store.claim_due([State.GENERATED, State.REJECTED], 100, SWEEP_HOLD)
        await self.intake.take(due)
        return len(due)
