"""Publishing with confirms, over a connection of its own. The broker is a doorbell: all works without it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractConnection, AbstractExchange

from shared.bus.connection import BROKER_ERRORS, cancelling, stay_connected
from shared.bus.events import Event, pack
from shared.bus.topology import declare_exchange
from shared.telemetry import EVENTS_PUBLISHED, EVENTS_UNPUBLISHED

log = structlog.get_logger()

PUBLISH_TIMEOUT_SECONDS = 5.0


class Publisher:
    """Publishes events while the broker is there and says so when it is not.

    An event that does not get through is only counted: `wake_at` brings its tasks to their consumer.
    """

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._exchange: AbstractExchange | None = None
        self._lost = asyncio.Event()
        self._ready = asyncio.Event()

    @property
    def connected(self) -> bool:
        return self._exchange is not None

    async def wait_connected(self, seconds: float) -> bool:
        """Give the first connection this long; tells whether it is there."""
        try:
            async with asyncio.timeout(seconds):
                await self._ready.wait()
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Keep a connection open until cancelled."""
        await stay_connected(self._url, f"{self._name}.publisher", self._use)

    async def _use(self, opened: AbstractConnection, lost: asyncio.Event) -> None:
        channel = await opened.channel(publisher_confirms=True, on_return_raises=False)
        channel.close_callbacks.add(lambda *_: lost.set())
        self._lost = lost
        self._exchange = await declare_exchange(channel)
        self._ready.set()
        try:
            await lost.wait()
        finally:
            self._exchange = None

    async def publish(self, events: Sequence[Event]) -> bool:
        """Publish and await the confirms; tells whether all came. Never raises for the broker."""
        packed = pack(events)
        if not packed:
            return True
        exchange = self._exchange
        if exchange is None:
            EVENTS_UNPUBLISHED.inc(len(packed))
            return False
        try:
            async with asyncio.timeout(PUBLISH_TIMEOUT_SECONDS):
                await asyncio.gather(*(_publish(exchange, event) for event in packed))
        except BROKER_ERRORS as error:
            return self._unpublished(len(packed), error)
        except asyncio.CancelledError as error:
            if cancelling():
                raise
            return self._unpublished(len(packed), error)
        EVENTS_PUBLISHED.inc(len(packed))
        return True

    def _unpublished(self, count: int, error: BaseException) -> bool:
        log.warning("events not confirmed", count=count, reason=repr(error)[:200])
        EVENTS_UNPUBLISHED.inc(count)
        # Stuck, perhaps: a new connection tells.
        self._exchange = None
        self._lost.set()
        return False


async def _publish(exchange: AbstractExchange, event: Event) -> None:
    message = Message(event.encode(), delivery_mode=DeliveryMode.PERSISTENT, content_type="application/json")
    # Without `mandatory`: a consumer that has not declared its queue yet finds its tasks by sweeping.
    await exchange.publish(message, event.routing_key, mandatory=False)
