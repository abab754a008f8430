"""The timer of deliveries: finds those that are due and has them sent."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from typing import Final

import structlog

from services.notifier.dispatch import Dispatcher
from services.notifier.store import DeliveryStore
from shared.mongo import is_unavailable

log = structlog.get_logger()

SWEEP_EVERY: Final = timedelta(seconds=1)
SHORTEST_PAUSE: Final = timedelta(milliseconds=50)


class RetrySweeper:
    """One indexed query a second; more, as sends make room, while there is more to do than room."""

    def __init__(self, store: DeliveryStore, dispatcher: Dispatcher) -> None:
        self._store = store
        self._dispatcher = dispatcher

    async def run(self) -> None:
        """Sweep until cancelled. An unreachable database only means trying again."""
        while True:
            try:
                more = await self.sweep()
            except Exception as error:
                if not is_unavailable(error):
                    raise
                log.warning("sweep postponed", reason=type(error).__name__)
                more = False
            await self._pause(until_eased=more)

    async def sweep(self) -> bool:
        """Send what is due and has room; tells whether more is probably due."""
        self._dispatcher.eased.clear()
        room = self._dispatcher.room()
        if room <= 0:
            return True
        due, more = await self._store.claim_due(room, self._dispatcher.full_hosts(), self._dispatcher.fits)
        self._dispatcher.take(due)
        return more or bool(self._dispatcher.full_hosts())

    async def _pause(self, *, until_eased: bool) -> None:
        whole = SWEEP_EVERY.total_seconds() * random.uniform(0.8, 1.2)
        if not until_eased:
            await asyncio.sleep(whole)
            return
        await asyncio.sleep(SHORTEST_PAUSE.total_seconds())
        try:
            async with asyncio.timeout(whole):
                await self._dispatcher.eased.wait()
        except TimeoutError:
            return
