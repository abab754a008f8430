"""What is read from the database for every attempt, kept for a few seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Generic, TypeVar

KEPT_FOR: Final = timedelta(seconds=5)
"""What changes holds for all attempts after this time."""
_MOST_KEPT = 10_000

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Reading(Generic[V]):
    until: float
    task: asyncio.Task[V]


class Kept(Generic[K, V]):
    """Reads each thing once, however many attempts want it at the same time. Errors are not kept."""

    def __init__(self, read: Callable[[K], Awaitable[V]], monotonic: Callable[[], float]) -> None:
        self._read = read
        self._monotonic = monotonic
        self._readings: dict[K, _Reading[V]] = {}

    async def get(self, key: K) -> V:
        """Raises what the reading raises."""
        reading = self._readings.get(key)
        if reading is None or reading.until <= self._monotonic():
            reading = self._begin(key)
        if reading.task.done():
            return reading.task.result()
        # Others wait for it too, whatever becomes of this caller.
        return await asyncio.shield(reading.task)

    def forget(self, key: K) -> None:
        """It may have changed."""
        self._readings.pop(key, None)

    def _begin(self, key: K) -> _Reading[V]:
        if len(self._readings) >= _MOST_KEPT:
            self._readings.clear()
        task = asyncio.create_task(self._reading(key), name=f"reading:{key}")
        reading = _Reading(self._monotonic() + KEPT_FOR.total_seconds(), task)
        self._readings[key] = reading

        def ended(task: asyncio.Task[V]) -> None:
            # Asking for the exception tells the loop that somebody knows of it.
            if (task.cancelled() or task.exception()) and self._readings.get(key) is reading:
                self.forget(key)

        task.add_done_callback(ended)
        return reading

    async def _reading(self, key: K) -> V:
        return await self._read(key)
