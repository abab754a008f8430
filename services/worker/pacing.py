"""Keeping the calls to one provider below a rate."""

from __future__ import annotations

import asyncio
import time


class Pacer:
    """Lets calls through evenly, in the order in which they came. The rate is calls per second."""

    def __init__(self, rate: float = 0.0) -> None:
        self._rate = rate
        self._next_at = 0.0
        self._moving = asyncio.Event()
        self.change(rate)

    def change(self, rate: float) -> None:
        """From now on so many calls per second; with none, callers wait for the next change."""
        self._rate = rate
        if rate > 0:
            self._moving.set()
        else:
            self._moving.clear()

    async def wait(self) -> None:
        """Return when the next call may be made."""
        await self._moving.wait()
        now = time.monotonic()
        mine = max(self._next_at, now)
        self._next_at = mine + 1 / self._rate
        if mine > now:
            await asyncio.sleep(mine - now)
