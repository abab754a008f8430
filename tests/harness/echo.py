"""Delivers every event a second time, as a broker may."""

from __future__ import annotations

import asyncio
import random
from functools import partial
from types import TracebackType

from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractExchange, AbstractIncomingMessage

from shared.bus.connection import BROKER_ERRORS, connection
from shared.bus.topology import declare_exchange
from shared.waiting import cancel

_MARK = "x-echo"


class Echo:
    """While open, republishes each event once, a little later than the first time."""

    def __init__(self, amqp_url: str) -> None:
        self._url = amqp_url
        self._task: asyncio.Task[None] | None = None
        self.echoed = 0

    async def __aenter__(self) -> Echo:
        self._task = asyncio.create_task(self._run(), name="echo")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        await cancel(self._task)

    async def _run(self) -> None:
        while True:
            try:
                async with connection(self._url, "echo") as (opened, lost):
                    channel = await opened.channel()
                    exchange = await declare_exchange(channel)
                    queue = await channel.declare_queue(exclusive=True)
                    await queue.bind(exchange, "#")
                    await queue.consume(partial(self._again, exchange), no_ack=True)
                    await lost.wait()
            except BROKER_ERRORS:
                await asyncio.sleep(0.2)

    async def _again(self, exchange: AbstractExchange, message: AbstractIncomingMessage) -> None:
        if _MARK in message.headers:
            return
        await asyncio.sleep(random.uniform(0, 0.3))
        copy = Message(message.body, headers={_MARK: 1}, delivery_mode=DeliveryMode.PERSISTENT)
        await exchange.publish(copy, message.routing_key or "", mandatory=False)
        self.echoed += 1
