"""The timer of the whole system: finds tasks whose `wake_at` has come and hands them to the handlers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection
from datetime import timedelta

import structlog

from shared.killpoints import KillPoints
from shared.mongo import is_unavailable
from shared.tasks.intake import Intake
from shared.tasks.lifecycle import State
from shared.tasks.store import TaskStore
from shared.telemetry import TASKS_SWEPT

log = structlog.get_logger()

SWEEP_EVERY = timedelta(seconds=1)
MOST_SWEPT = 256
SWEEP_HOLD = timedelta(seconds=5)
"""How long a swept task is left to the process that swept it."""


class Sweeper:
    """One indexed query a second; more at once while a full batch comes back.

    `full` names the providers that this process has no room for at the moment.
    """

    def __init__(
        self,
        store: TaskStore,
        intake: Intake,
        states: Collection[State],
        killpoints: KillPoints,
        room: Callable[[], int] = lambda: MOST_SWEPT,
        full: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self._store = store
        self._intake = intake
        self._states = states
        self._killpoints = killpoints
        self._room = room
        self._full = full
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Sweep until `stop`. An unreachable database only means trying again."""
        while not self._stopping.is_set():
            if not await self._sweep():
                await self._pause(SWEEP_EVERY.total_seconds() * random.uniform(0.8, 1.2))

    def stop(self) -> None:
        """Sweep no more; `run` ends after the batch in hand."""
        self._stopping.set()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _sweep(self) -> bool:
        """One round; tells whether more is probably due."""
        limit = min(self._room(), MOST_SWEPT)
        if limit <= 0:
            return False
        try:
            tasks = await self._store.claim_due(self._states, limit, SWEEP_HOLD, but_not_of=self._full())
            if tasks:
                log.info("tasks swept", count=len(tasks))
                TASKS_SWEPT.inc(len(tasks))
                self._killpoints.reach("sweeper.in_batch")
                await self._intake.take(tasks)
        except Exception as error:
            if not is_unavailable(error):
                raise
            log.warning("sweep postponed", reason=type(error).__name__)
            return False
        return len(tasks) == limit
