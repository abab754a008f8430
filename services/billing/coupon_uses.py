"""Ending the uses of coupons that a crash left behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

import structlog

from shared.clock import Clock
from shared.coupons.entries import use_ended
from shared.coupons.in_progress import in_progress
from shared.ledger.chain import Ledger
from shared.ledger.chains import OF_COUPONS
from shared.mongo import Database, Document
from shared.rounds import repeat
from shared.tasks.lifecycle import FINAL, State

log = structlog.get_logger()

_CHUNK: Final = 1000


class CouponSweeper:
    """Runs in every billing process: each use is ended once, whoever finds it."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        clock: Clock,
        every: timedelta,
        interrupted_after: timedelta,
    ) -> None:
        self._blocks = database["ledger"]
        self._tasks = database["tasks"]
        self._ledger = ledger
        self._clock = clock
        self._every = every
        self._interrupted_after = interrupted_after

    async def run(self) -> None:
        """Sweep until cancelled."""
        await repeat("coupons", self.sweep, self._every)

    async def sweep(self) -> int:
        """End the uses that their submits or settlements have left; gives how many.

        The task decides. A use whose task is yet to come is left: where the submit was cut off, the auditor
        makes the task that keeps a late one out.
        """
        settled_before = self._clock.now() - self._interrupted_after
        ended = 0
        for chain, tail in (await self._held()).items():
            held = await in_progress(self._ledger, chain, tail["seq"], tail["held"])
            open_tasks = [task_id for task_id, at in held.items() if at <= settled_before]
            for start in range(0, len(open_tasks), _CHUNK):
                ended += await self._end(chain, open_tasks[start : start + _CHUNK])
        return ended

    async def _held(self) -> Mapping[str, Document]:
        """The tails of the chains with uses that are held."""
        cursor = await self._blocks.aggregate(
            [
                {"$match": OF_COUPONS},
                {"$sort": {"account": -1, "seq": -1}},
                {"$group": {"_id": "$account", "seq": {"$first": "$seq"}, "held": {"$first": "$held"}}},
                {"$match": {"held": {"$gt": 0}}},
            ]
        )
        return {tail["_id"]: tail async for tail in cursor}

    async def _end(self, chain: str, task_ids: Sequence[str]) -> int:
        query = {"_id": {"$in": list(task_ids)}, "state": {"$in": sorted(FINAL)}}
        states = {task["_id"]: task["state"] async for task in self._tasks.find(query, {"state": 1})}
        if not states:
            return 0
        ends = [use_ended(chain, task_id, state == State.COMPLETED) for task_id, state in states.items()]
        await self._ledger.append({chain: ends})
        log.warning("uses of a coupon ended late", chain=chain, count=len(ends))
        return len(ends)
