"""Keeping the calls to one provider below a rate."""

from __future__ import annotations

import asyncio
import time


class Pacer:
    """Lets calls through evenly, in the order in which they came. The rate is calls per second."""

    def __init__(self, rate: float = 0.0) -> None:
        self._rate = rate
        self._last_at = float("-inf")
        """When the last call was due, on the monotonic clock."""
        self._waiting = 0
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()

    def change(self, rate: float) -> None:
        """From now on so many calls per second, of those that wait already too; with none, nobody moves."""
        if rate != self._rate:
            self._rate = rate
            self._changed.set()

    async def wait(self) -> None:
        """Return when the next call may be made."""
        self._waiting += 1
        try:
            async with self._turn:
                began = time.monotonic()
                while (due := self._due()) > time.monotonic():
                    if await self._changes_before(due):
                        began = time.monotonic()
                # What a late wake-up cost is made up for; what nobody asked for is not.
                self._last_at = max(due, began)
        finally:
            self._waiting -= 1

    @property
    def behind(self) -> bool:
        """Whether more calls wait than can be made within a second: enough is under way."""
        return self._waiting > max(self._rate, 1)

    def _due(self) -> float:
        return self._last_at + 1 / self._rate if self._rate > 0 else float("inf")

    async def _changes_before(self, due: float) -> bool:
        self._changed.clear()
        try:
            async with asyncio.timeout(due - time.monotonic() if due < float("inf") else None):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True
