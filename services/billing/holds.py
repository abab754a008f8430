"""Holds that nobody else ends: every one is given back, and each is told of."""

from __future__ import annotations

import structlog

from shared.clock import Clock
from shared.ledger.chains import is_account
from shared.ledger.entry import hold
from shared.ledger.proof.acts import HOLD_GRACE, OpenHold
from shared.ledger.proof.points import OpenHolds
from shared.ledger.proof.since import DueHolds
from shared.mongo import Database
from shared.tasks.interrupted import interrupted_task
from shared.tasks.lifecycle import FINAL
from shared.tasks.service import TaskTools
from shared.telemetry import HOLDS_RELEASED

log = structlog.get_logger()


class HoldSweeper:
    """Gives a hold without a task a rejected one, and wakes tasks that sleep past their deadlines."""

    def __init__(self, database: Database, tools: TaskTools, clock: Clock) -> None:
        self._holds = OpenHolds(database)
        self._tasks = database["tasks"]
        self._tools = tools
        self._clock = clock
        self._told: set[str] = set()

    async def sweep(self, due: DueHolds) -> None:
        """Do what is to be done about the holds that are due."""
        await self._reject_interrupted([held for held in due.without_task if is_account(held.chain)])
        await self._wake(due.overdue)
        await self._holds.look_again(due.later)
        await self._holds.remove(held.op for held in due.ended)

    async def _reject_interrupted(self, holds: list[OpenHold]) -> None:
        """The rejected task of a submit that was cut off keeps a late one out; its release is the usual."""
        if not holds:
            return
        now = self._clock.now()
        tasks = [
            interrupted_task(one.chain, hold(one.task_id, one.amount, one.model, one.key_id), one.at, now)
            for one in holds
        ]
        await self._tools.store.insert(tasks)
        await self._holds.look_again({one.op: now + HOLD_GRACE for one in holds})
        for one in holds:
            HOLDS_RELEASED.labels("no_task").inc()
            log.warning(
                "hold without a task released",
                task_id=one.task_id,
                account_id=one.chain,
                amount_nano=one.amount,
                held_at=one.at.isoformat(),
            )

    async def _wake(self, holds: list[OpenHold]) -> None:
        """Whoever looks after their state ends tasks past their deadlines: it has to see them."""
        if holds:
            await self._tasks.update_many(
                {
                    "_id": {"$in": [one.task_id for one in holds]},
                    "state": {"$nin": sorted(FINAL)},
                    "wake_at": {"$exists": False},
                },
                {"$set": {"wake_at": self._clock.now()}},
            )
        for one in holds:
            if one.op not in self._told:
                HOLDS_RELEASED.labels("past_deadline").inc()
                log.warning(
                    "hold past its deadline",
                    task_id=one.task_id,
                    account_id=one.chain,
                    amount_nano=one.amount,
                )
        self._told = {one.op for one in holds}
