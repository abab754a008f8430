"""How many files are handed out at a time: each holds a connection to the storage while it is read."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from services.api.errors import ServiceUnavailable
from services.api.strangers import Addresses

MOST_STREAMS: Final = 48
"""Fewer than the storage client has connections."""
MOST_STREAMS_OF_ONE: Final = 12
"""From one address, so that it takes several to keep the others waiting."""
PATIENCE_SECONDS: Final = 10.0


class FileStreams:
    """Lets requests for files through, in turn. Who stops reading is cut off by the server."""

    def __init__(
        self, addresses: Addresses | None = None, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._addresses = addresses or Addresses()
        self._patience_seconds = patience_seconds
        self._all = asyncio.Semaphore(MOST_STREAMS)
        self._of: dict[str, asyncio.Semaphore] = {}
        self._users: Counter[str] = Counter()

    @asynccontextmanager
    async def turn(self, scope: Mapping[str, Any]) -> AsyncIterator[None]:
        """One file to one client. Raises ServiceUnavailable when none became free in time."""
        address = self._addresses.of(scope)
        own = self._of.setdefault(address, asyncio.Semaphore(MOST_STREAMS_OF_ONE))
        self._users[address] += 1
        try:
            await self._acquire(own)
            try:
                yield
            finally:
                self._all.release()
                own.release()
        finally:
            self._users[address] -= 1
            if not self._users[address]:
                del self._users[address], self._of[address]

    async def _acquire(self, own: asyncio.Semaphore) -> None:
        """Both, its own first: who waits for that one takes nothing from others."""
        try:
            async with asyncio.timeout(self._patience_seconds):
                await own.acquire()
                try:
                    await self._all.acquire()
                except BaseException:
                    own.release()
                    raise
        except TimeoutError as error:
            raise ServiceUnavailable("Too many files are being read; try again shortly") from error
