"""What happens to the tasks that a message or the sweeper points at: load, group by state, handle."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from shared.mongo import is_unavailable
from shared.tasks.lifecycle import State
from shared.tasks.model import Task
from shared.tasks.mover import Mover
from shared.tasks.store import TaskStore

log = structlog.get_logger()

BatchHandler = Callable[[Sequence[Task]], Awaitable[None]]
Routes = Mapping[State, BatchHandler]


class Intake:
    """Hands batches of tasks to a service's handlers, one batch at a time.

    A batch that fails is halved until the guilty task stands alone; that one is noted and named to the
    caller. An unreachable database is nobody's fault and is raised.
    """

    def __init__(self, store: TaskStore, mover: Mover, routes: Routes) -> None:
        self._store = store
        self._mover = mover
        self._routes = routes
        self._one_batch = asyncio.Lock()

    @property
    def states(self) -> frozenset[State]:
        return frozenset(self._routes)

    async def take_ids(self, task_ids: Sequence[str]) -> set[str]:
        """Handle the tasks with these ids; gives the ids of those that failed alone."""
        tasks = await self._store.load(dict.fromkeys(task_ids))
        return await self.take(tasks)

    async def take(self, tasks: Sequence[Task]) -> set[str]:
        """Handle these tasks; gives the ids of those that failed alone."""
        by_state: defaultdict[State, list[Task]] = defaultdict(list)
        for task in tasks:
            by_state[task.state].append(task)
        failed: set[str] = set()
        async with self._one_batch:
            for state, group in by_state.items():
                handler = self._routes.get(state)
                if handler is None:
                    await self._mover.announce_again(group)
                else:
                    failed |= await self._handle(handler, group)
        return failed

    async def _handle(self, handler: BatchHandler, tasks: Sequence[Task]) -> set[str]:
        try:
            await handler(tasks)
        except Exception as error:
            if is_unavailable(error):
                raise
            if len(tasks) > 1:
                middle = len(tasks) // 2
                return await self._handle(handler, tasks[:middle]) | await self._handle(
                    handler, tasks[middle:]
                )
            (task,) = tasks
            log.exception("handler failed", task_id=task.id, state=task.state, faults=task.faults + 1)
            await self._store.record_fault(task)
            return {task.id}
        return set()
