"""How the load generator learns that tasks are final without asking the api for each."""

from __future__ import annotations

import asyncio
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection

from shared.tasks.lifecycle import FINAL, State

LOOK_EVERY_SECONDS = 0.02


class Follower:
    """Asks MongoDB for all waiting tasks at once, fifty times a second.

    Polling the api for every task would measure the polls; this costs one small query for many tasks, and
    the number of queries is known, so that it can be taken off the counts.
    """

    def __init__(self, tasks: AsyncCollection[dict[str, Any]]) -> None:
        self._tasks = tasks
        self._waiting: dict[str, asyncio.Future[State]] = {}
        self.queries = 0
        self.documents = 0

    async def final_state(self, task_id: str) -> State:
        """Wait until a task is final."""
        future: asyncio.Future[State] = asyncio.get_running_loop().create_future()
        self._waiting[task_id] = future
        try:
            return await future
        finally:
            del self._waiting[task_id]

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            if self._waiting:
                await self._look()

    async def _look(self) -> None:
        wanted = {"_id": {"$in": list(self._waiting)}, "state": {"$in": sorted(FINAL)}}
        found = await self._tasks.find(wanted, {"state": 1}).to_list()
        self.queries += 1
        self.documents += len(found)
        for task in found:
            future = self._waiting.get(task["_id"])
            if future is not None and not future.done():
                future.set_result(State(task["state"]))
