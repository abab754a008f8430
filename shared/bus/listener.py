"""Hearing an event in every process of a service: a queue of its own that dies with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from shared.bus.connection import stay_connected
from shared.bus.events import EventType, MalformedEvent, decode
from shared.bus.topology import declare_exchange

log = structlog.get_logger()


class Listener:
    """Calls `heard` with the subjects of every event of some types while the broker is there."""

    def __init__(
        self, url: str, name: str, event_types: Sequence[EventType], heard: Callable[[Sequence[str]], None]
    ) -> None:
        self._url = url
        self._name = name
        self._event_types = event_types
        self._heard = heard

    async def run(self) -> None:
        """Listen until cancelled; reconnect as often as it takes."""
        await stay_connected(self._url, f"{self._name}.{self._event_types[0]}", self._listen)

    async def _listen(self, opened: AbstractConnection, lost: asyncio.Event) -> None:
        channel = await opened.channel(publisher_confirms=False)
        channel.close_callbacks.add(lambda *_: lost.set())
        queue = await channel.declare_queue(exclusive=True, auto_delete=True)
        exchange = await declare_exchange(channel)
        for event_type in self._event_types:
            await queue.bind(exchange, event_type)
        await queue.consume(self._take, no_ack=True)
        await lost.wait()

    async def _take(self, message: AbstractIncomingMessage) -> None:
        try:
            self._heard(decode(message.body).subjects)
        except MalformedEvent as error:
            log.error("message is no event", event_type=self._event_types[0], reason=error.message)
