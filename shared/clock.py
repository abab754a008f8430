"""One clock for every process: the database's.

Leases and timers compare times that different processes wrote. Each process reads the server's time, keeps
the offset to its own monotonic clock and refreshes it, so a machine whose wall clock is wrong by minutes
still agrees with the others. Correctness never rests on it: every write is guarded by the task's version.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from pymongo import AsyncMongoClient

from shared.mongo import Document

READS = 5
STANDS_STILL: Final = timedelta(seconds=1)
"""How far a process's clock waits for the server's; what is set back further is followed."""


class Clock(Protocol):
    """Anything that tells the time."""

    def now(self) -> datetime:
        """UTC, whole milliseconds (what MongoDB stores)."""
        ...


class DatabaseClock:
    """The server's time, carried between reads by the monotonic clock.

    A read that corrects it by less than a second makes it stand still, never go back.
    """

    def __init__(self) -> None:
        self._offset_seconds = time.time() - time.monotonic()
        self._latest = self._told()

    def now(self) -> datetime:
        told = self._told()
        # Who waited longer for a server that was set back would keep every lease and timer waiting.
        if not timedelta(0) < self._latest - told < STANDS_STILL:
            self._latest = told
        return self._latest

    def _told(self) -> datetime:
        return _whole_milliseconds(time.monotonic() + self._offset_seconds)

    async def read(self, client: AsyncMongoClient[Document]) -> None:
        """Ask the server a few times and trust the shortest round trip; half of it is taken off."""
        shortest = float("inf")
        for _ in range(READS):
            before = time.monotonic()
            answer = await client.admin.command("hello")
            after = time.monotonic()
            if after - before < shortest:
                shortest = after - before
                server_time: datetime = answer["localTime"]
                self._offset_seconds = server_time.timestamp() - (before + after) / 2


def _whole_milliseconds(epoch_seconds: float) -> datetime:
    return datetime.fromtimestamp(int(epoch_seconds * 1000) / 1000, UTC)
