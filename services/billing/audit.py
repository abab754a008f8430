"""The auditor: verifies what is new in every chain, heals what crashes leave, counts broken promises."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog

from services.billing.holds import HoldSweeper
from services.billing.late import late_tasks
from services.billing.lease import Lease
from shared.clock import Clock
from shared.killpoints import KillPoints
from shared.ledger.chain import Ledger
from shared.ledger.chains import is_account
from shared.ledger.proof.record import Proofs
from shared.ledger.proof.since import SinceLast
from shared.ledger.proof.violation import Violation
from shared.ledger.usage import UsageFold
from shared.mongo import Database
from shared.rounds import repeat
from shared.tasks.service import TaskTools
from shared.telemetry import (
    AUDIT_FINISHED,
    AUDIT_VIOLATIONS,
    LEDGER_CLEAN,
    LEDGER_VERIFIED_AT,
    LEDGER_VERIFIED_ENTRIES,
    LEDGER_VERIFY_SECONDS,
)

log = structlog.get_logger()

INVARIANTS: Final = ("I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I16")
_OF_TASKS: Final = frozenset({"I2", "I7", "I8"})


class Auditor:
    """Runs in every billing process; a lease lets one of them work at a time."""

    def __init__(
        self,
        database: Database,
        tools: TaskTools,
        ledger: Ledger,
        fold: UsageFold,
        clock: Clock,
        killpoints: KillPoints,
        every: timedelta,
        interrupted_after: timedelta,
    ) -> None:
        self._database = database
        self._tools = tools
        self._fold = fold
        self._clock = clock
        self._killpoints = killpoints
        self._every = every
        self._interrupted_after = interrupted_after
        self._sweeper = HoldSweeper(database, tools, clock)
        self._proofs = Proofs(database)
        self.lease = Lease(database, "auditor", clock, 3 * every)

    async def run(self) -> None:
        """Audit until cancelled."""
        await repeat("audit", self._audit_in_turn, self._every)

    async def _audit_in_turn(self) -> None:
        if await self.lease.take():
            await self.audit()

    async def audit(self) -> list[Violation]:
        """One round over all chains; gives what is wrong and exports it as metrics."""
        began, now = time.monotonic(), self._clock.now()
        since = SinceLast(self._database, now, now - self._interrupted_after)
        for chain, point in (await since.changed()).items():
            if is_account(chain):
                await self._fold_usage(chain)
            await since.follow(chain, point)
            self._killpoints.reach("auditor.in_batch")
        await self._tools.store.free_expired_keys()
        due = await since.due_holds()
        await self._sweeper.sweep(due)
        violations = [*since.report.violations, *due.violations, *await late_tasks(self._database, now)]
        self._export(violations, since.report.entries, time.monotonic() - began)
        await self._export_whole()
        for violation in violations:
            log.error(
                "invariant broken",
                invariant=violation.invariant,
                subject=violation.subject,
                detail=violation.detail,
            )
        return violations

    async def _fold_usage(self, account: str) -> None:
        """A chain that this version cannot read is no reason to stop settling; `follow` tells of it."""
        try:
            await self._fold.catch_up(account)
        except (ValueError, KeyError, TypeError) as error:
            log.error("usage not folded", account_id=account, reason=repr(error))

    def _export(self, violations: Sequence[Violation], entries: int, seconds: float) -> None:
        counts = Counter(violation.invariant for violation in violations)
        for invariant in INVARIANTS:
            AUDIT_VIOLATIONS.labels(invariant).set(counts[invariant])
        AUDIT_FINISHED.set(time.time())
        LEDGER_CLEAN.labels("incremental").set(not counts.keys() - _OF_TASKS)
        LEDGER_VERIFIED_AT.labels("incremental").set(time.time())
        LEDGER_VERIFIED_ENTRIES.labels("incremental").set(entries)
        LEDGER_VERIFY_SECONDS.labels("incremental").set(seconds)

    async def _export_whole(self) -> None:
        """What `hatchery ledger verify` has written down."""
        proof = await self._proofs.last()
        if proof is not None:
            LEDGER_CLEAN.labels("whole").set(not proof.violations)
            LEDGER_VERIFIED_AT.labels("whole").set(proof.at.timestamp())
            LEDGER_VERIFIED_ENTRIES.labels("whole").set(proof.entries)
            LEDGER_VERIFY_SECONDS.labels("whole").set(proof.seconds)
