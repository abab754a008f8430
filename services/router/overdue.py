"""Tasks that no worker has ended by their deadline: with all workers gone, the router gives them up."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from services.router.handlers import overdue
from shared.mongo import is_unavailable
from shared.tasks.lifecycle import State
from shared.tasks.service import TaskTools

log = structlog.get_logger()

LOOK_EVERY_SECONDS = 5.0
GRACE = timedelta(seconds=30)
"""Workers end their attempts at the deadline themselves; only what they leave lying is taken."""
_IN_WORKERS_HANDS = (State.DISPATCHED, State.SUBMITTING, State.RUNNING)


class OverdueWatch:
    """Looks for such tasks every few seconds."""

    def __init__(self, tools: TaskTools) -> None:
        self._tools = tools

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            try:
                await self.look()
            except Exception as error:
                if not is_unavailable(error):
                    raise
                log.warning("overdue tasks not looked for", reason=type(error).__name__)

    async def look(self) -> int:
        """Reject what is overdue now; gives how many."""
        tasks = await self._tools.store.claim_due(_IN_WORKERS_HANDS, 256, timedelta(seconds=5), GRACE)
        return sum(await self._tools.mover.move([overdue(task) for task in tasks]))
