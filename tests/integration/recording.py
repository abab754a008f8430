"""A broker that takes everything and a service's hands on the tasks that use it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from shared.bus.events import Event
from shared.clock import Clock
from shared.killpoints import KillPoints
from shared.mongo import Database
from shared.tasks.lifecycle import Role
from shared.tasks.mover import Mover
from shared.tasks.service import TaskTools
from shared.tasks.store import TaskStore


@dataclass
class Bell:
    """Remembers what was published."""

    rung: list[Event] = field(default_factory=list)
    connected: bool = True
    on_publish: Callable[[], None] = lambda: None
    """Runs before every call, even one without events."""

    async def publish(self, events: Sequence[Event]) -> None:
        self.on_publish()
        self.rung += events

    def told_of(self, event_type: str) -> list[str]:
        return [task_id for event in self.rung if event.type == event_type for task_id in event.subjects]


def tools_with(bell: Bell, database: Database, clock: Clock, role: Role) -> TaskTools:
    """As in a process of this role."""
    store = TaskStore(database, clock, role)
    return TaskTools(store, Mover(store, bell, role, KillPoints()))
