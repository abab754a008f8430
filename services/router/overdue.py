"""Tasks that no worker has ended by their deadline: with all workers gone, the router gives them up."""

from __future__ import annotations

from datetime import timedelta

from services.router.handlers import overdue
from shared.rounds import repeat
from shared.tasks.lifecycle import State
from shared.tasks.service import TaskTools

LOOK_EVERY = timedelta(seconds=5)
GRACE = timedelta(seconds=30)
"""Workers end their attempts at the deadline themselves; only what they leave lying is taken."""
_IN_WORKERS_HANDS = (State.DISPATCHED, State.SUBMITTING, State.RUNNING)


class OverdueWatch:
    """Looks for such tasks every few seconds."""

    def __init__(self, tools: TaskTools) -> None:
        self._tools = tools

    async def run(self) -> None:
        """Look until cancelled."""
        await repeat("overdue", self.look, LOOK_EVERY)

    async def look(self) -> int:
        """Reject what is overdue now; gives how many."""
        tasks = await self._tools.store.claim_due(_IN_WORKERS_HANDS, 256, timedelta(seconds=5), GRACE)
        return sum(await self._tools.mover.move([overdue(task) for task in tasks]))
