"""What the servers and the services have in common: one process of ours that says when it is ready."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from deploy.local.process import Child


class Server(ABC):
    """A process that can be started, watched, ended, and started again in its place."""

    stop_seconds: float

    def __init__(self, name: str, title: str, child: Child, *helpers: Child) -> None:
        self.name = name
        """As in `ready.json`, log file names and log lines."""
        self.title = title
        """As in sentences."""
        self.child = child
        self.helpers = helpers
        """Processes that it cannot do without; its own `spawn` and `stop` look after them."""

    @property
    def pids(self) -> list[int]:
        """The process while it runs, without its helpers."""
        return [self.child.pid] if self.child.pid else []

    async def spawn(self) -> None:
        """Start the process without waiting for anything."""
        await self.child.start()

    @abstractmethod
    async def ready(self) -> None:
        """Return once clients can use it."""

    async def start(self) -> None:
        await self.spawn()
        await self.ready()

    async def exited(self) -> int:
        """Wait for its end; the exit code, negative for a signal."""
        return await self.child.exited()

    async def stop(self) -> None:
        """Ask it to end and wait; it is killed when it takes longer than `stop_seconds`."""
        await self.child.stop(self.stop_seconds)

    def kill_at_once(self) -> None:
        """SIGKILL to it and its helpers, without waiting for their end."""
        for child in (self.child, *self.helpers):
            child.kill()

    async def kill(self) -> None:
        """SIGKILL, and wait."""
        self.kill_at_once()
        for child in (self.child, *self.helpers):
            await child.gone()


async def together(
    verb: str, servers: Iterable[Server], action: Callable[[Server], Coroutine[Any, Any, None]]
) -> None:
    """Do it to all at the same time; the first error ends the others and is raised."""
    tasks = [asyncio.create_task(action(server), name=f"{verb} {server.name}") for server in servers]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
