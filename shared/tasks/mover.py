"""Move tasks, then tell whoever comes next: the order that makes a crash in between harmless."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from shared.bus.events import Event
from shared.bus.publisher import Publisher
from shared.killpoints import KillPoints
from shared.tasks.lifecycle import LIFECYCLE, Role
from shared.tasks.model import Task, announcement
from shared.tasks.store import Move, TaskStore


class Mover:
    """The one way in which a service moves tasks."""

    def __init__(self, store: TaskStore, publisher: Publisher, role: Role, killpoints: KillPoints) -> None:
        self._store = store
        self._publisher = publisher
        self._role = role
        self._killpoints = killpoints

    async def move(self, moves: Sequence[Move]) -> list[bool]:
        """Make the moves and publish what they announce; tells for each whether it happened.

        With the broker away nothing is announced, so whoever comes next is to look at once.
        """
        if not self._publisher.connected:
            moves = [_without_announcement(move) for move in moves]
        made = await self._store.move(moves)
        self._killpoints.reach(f"{self._role}.after_move")
        events = (
            announcement(move.task.id, move.to, move.provider)
            for move, happened in zip(moves, made, strict=True)
            if happened
        )
        await self._publish(events)
        return made

    async def announce_again(self, tasks: Iterable[Task]) -> None:
        """Publish anew what this service's earlier moves announced: the first telling may be lost."""
        await self._publish(
            announcement(task.id, task.state, task.attempt.provider if task.attempts else None)
            for task in tasks
            if LIFECYCLE[task.state].moved_by is self._role
        )

    async def _publish(self, events: Iterable[Event | None]) -> None:
        await self._publisher.publish([event for event in events if event is not None])


def _without_announcement(move: Move) -> Move:
    announced = LIFECYCLE[move.to].announced_by is not None and move.wake_in is not None
    return replace(move, wake_in=timedelta(0)) if announced else move
