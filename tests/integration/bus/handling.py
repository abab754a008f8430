"""Callbacks for consumers under test."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from shared.bus.events import Event, EventType
from shared.bus.topology import QueueSpec

SPEC = QueueSpec("test.tasks", (EventType.TASK_QUEUED,))


def told(*task_ids: str) -> bytes:
    """The body of an event about these tasks."""
    return Event(EventType.TASK_QUEUED, task_ids).encode()


class Handled:
    """Remembers what it was given; fails on the poisonous; can be held back."""

    def __init__(self, *poison: str, held_back: bool = False, poisonous_times: int = 1000) -> None:
        self.batches: list[list[str]] = []
        self._poison = set(poison)
        self._poisonous_times = poisonous_times
        self.errors: list[Exception] = []
        self.go_on = asyncio.Event()
        self.began = asyncio.Event()
        if not held_back:
            self.go_on.set()

    @property
    def ids(self) -> list[str]:
        return [task_id for batch in self.batches for task_id in batch]

    async def __call__(self, task_ids: Sequence[str]) -> set[str]:
        self.batches.append(list(task_ids))
        self.began.set()
        if self.errors:
            raise self.errors.pop()
        await self.go_on.wait()
        return {one for one in self._poison & set(task_ids) if self.ids.count(one) <= self._poisonous_times}
