"""Keeping a process running: when it ends unasked it is started again, later each time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from deploy.local.errors import StackError
from deploy.local.server import Server

FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 10.0
STEADY_SECONDS = 10.0


def next_delay(previous: float | None, ran_seconds: float) -> float:
    """How long to wait before the next start; a run that lasted begins the series anew."""
    if previous is None or ran_seconds >= STEADY_SECONDS:
        return FIRST_DELAY_SECONDS
    return min(previous * 2, LONGEST_DELAY_SECONDS)


class Keeper:
    """Watches one server or service from its first readiness to its orderly stop."""

    def __init__(
        self,
        kept: Server,
        *,
        say: Callable[[str], None],
        warn: Callable[[str], None],
        changed: Callable[[], None],
    ) -> None:
        self.kept = kept
        self._say = say
        self._warn = warn
        self._changed = changed
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when it is ready for the first time; from then on it is kept."""
        await self.kept.spawn()
        self._changed()
        await self.kept.ready()
        self._watch = asyncio.create_task(self._keep(), name=f"keep {self.kept.name}")

    @property
    def watch(self) -> asyncio.Task[None] | None:
        """Ends only by `let_go` or by an error of the supervisor itself."""
        return self._watch

    async def let_go(self) -> None:
        """From now on its end is its end."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)

    async def stop(self) -> None:
        await self.kept.stop()
        self._changed()

    async def _keep(self) -> None:
        delay: float | None = None
        while True:
            since = time.monotonic()
            code = await self.kept.exited()
            self._changed()
            delay = next_delay(delay, time.monotonic() - since)
            self._warn(f"{self.kept.title} ended with code {code}; it starts again in {delay:g} s")
            await asyncio.sleep(delay)
            await self._start_again()

    async def _start_again(self) -> None:
        try:
            await self.kept.spawn()
            self._changed()
            await self.kept.ready()
            self._say(f"{self.kept.title} is ready again")
        except StackError as error:
            self._warn(f"{self.kept.title} does not come back: {str(error).splitlines()[0]}")
            await self.kept.kill()
