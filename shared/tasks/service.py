"""The frame of a service that lives on tasks: a consumer and a sweeper feeding the same handlers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from shared.bus.consumer import Consumer
from shared.bus.topology import QueueSpec
from shared.runtime import Platform
from shared.tasks.intake import Intake, Routes
from shared.tasks.lifecycle import Role, consumed_by
from shared.tasks.mover import Mover
from shared.tasks.store import TaskStore
from shared.tasks.sweeper import Sweeper
from shared.waiting import cancel

Background = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class TaskTools:
    """A service's own hands on the tasks."""

    store: TaskStore
    mover: Mover


def task_tools(platform: Platform, role: Role) -> TaskTools:
    """The store and the mover of one service."""
    store = TaskStore(platform.database, platform.clock, role)
    return TaskTools(store, Mover(store, platform.publisher, role, platform.killpoints))


class Capacity(Protocol):
    """How much a process takes on."""

    def room(self, queue: str) -> int:
        """How many more tasks of this queue fit."""
        ...

    def most_room(self) -> int:
        """How many more tasks fit at most, of whatever queue."""
        ...

    def full_providers(self) -> Collection[str]:
        """Whose tasks do not fit."""
        ...


@dataclass(frozen=True, slots=True)
class Unbounded:
    """Batches of this size, one after the other."""

    batch: int

    def room(self, queue: str) -> int:
        return self.batch

    def most_room(self) -> int:
        return self.batch

    def full_providers(self) -> Collection[str]:
        return ()


class TaskService:
    """Consumes queues, sweeps, does background work; told to stop, it finishes what it has begun."""

    def __init__(
        self,
        platform: Platform,
        role: Role,
        tools: TaskTools,
        routes: Routes,
        queues: Sequence[QueueSpec],
        background: Sequence[Background] = (),
        capacity: Capacity | None = None,
        prefetch: int = 256,
        drain: Background | None = None,
    ) -> None:
        capacity = capacity or Unbounded(prefetch)
        self.name = role.value
        self._platform = platform
        intake = Intake(tools.store, tools.mover, routes)
        self._consumers = [
            Consumer(
                platform.settings.amqp_url,
                platform.process_name,
                spec,
                intake.take_ids,
                prefetch,
                partial(capacity.room, spec.name),
            )
            for spec in queues
        ]
        self._sweeper = Sweeper(
            tools.store,
            intake,
            consumed_by(role),
            platform.killpoints,
            capacity.most_room,
            capacity.full_providers,
        )
        self._background = background
        self._drain = drain
        self._stopping = asyncio.Event()

    def ready(self) -> bool:
        """The broker is not needed: tasks are found without it."""
        return self._platform.database_seen and not self._stopping.is_set()

    def stop(self) -> None:
        self._stopping.set()
        self._sweeper.stop()
        for consumer in self._consumers:
            consumer.stop()

    async def run(self) -> None:
        """Work until `stop`, then finish the batches in hand and drain. Raises what any part has died of."""
        parts: list[Consumer | Sweeper] = [*self._consumers, self._sweeper]
        intakes = [
            asyncio.create_task(part.run(), name=f"{self.name}:{type(part).__name__.lower()}")
            for part in parts
        ]
        background = [
            asyncio.create_task(work(), name=f"{self.name}:background-{number}")
            for number, work in enumerate(self._background)
        ]
        stopping = asyncio.create_task(self._stopping.wait(), name=f"{self.name}:stop")
        await asyncio.wait([*intakes, *background, stopping], return_when=asyncio.FIRST_COMPLETED)
        self.stop()
        await asyncio.wait(intakes)
        if self._drain is not None:
            # Leases are kept until then.
            await self._drain()
        failures = [
            error
            for task in (*intakes, *background)
            if task.done() and (error := task.exception()) is not None
        ]
        await cancel(stopping, *background)
        if failures:
            raise failures[0]
