"""Consuming in batches: take what the broker has delivered, handle it, then acknowledge."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from shared.bus.connection import stay_connected
from shared.bus.events import MalformedEvent, decode
from shared.bus.topology import QueueSpec, declare_queue
from shared.mongo import is_unavailable
from shared.telemetry import EVENTS_CONSUMED, EVENTS_DEAD

log = structlog.get_logger()

OnBatch = Callable[[Sequence[str]], Awaitable[set[str]]]
GATHER_SECONDS = 0.04
"""Between batches while there is much to do: larger batches cost less. A lone message waits for nobody."""
MOST_DELIVERIES = 5
DATABASE_RETRY_SECONDS = 0.5


class Consumer:
    """Feeds one queue to one callback.

    `on_batch` gets task ids and gives those that failed alone: their message is tried up to five times, then
    dead-lettered. While the database is away the batch is kept and tried again. With no `room` left the
    consumer steps back, so that waiting messages go to other replicas.
    """

    def __init__(
        self,
        url: str,
        name: str,
        spec: QueueSpec,
        on_batch: OnBatch,
        prefetch: int = 256,
        room: Callable[[], int] | None = None,
    ) -> None:
        self._url = url
        self._name = name
        self._spec = spec
        self._on_batch = on_batch
        self._prefetch = prefetch
        self._room = room or (lambda: prefetch)
        self._most_room = 0
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Consume until `stop`; reconnect as often as it takes."""
        await stay_connected(self._url, f"{self._name}.{self._spec.name}", self._use, self._stopping)

    def stop(self) -> None:
        """Take no more messages; `run` ends after the batch in hand."""
        self._stopping.set()

    async def _use(self, opened: AbstractConnection, lost: asyncio.Event) -> None:
        channel = await opened.channel(publisher_confirms=False)
        channel.close_callbacks.add(lambda *_: lost.set())
        await channel.set_qos(prefetch_count=self._prefetch)
        queue = await declare_queue(channel, self._spec)
        while not (self._stopping.is_set() or lost.is_set()):
            inbox: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
            tag = await queue.consume(inbox.put)
            await self._work_off(inbox, lost)
            if not lost.is_set():
                await queue.cancel(tag)
                while not inbox.empty():
                    # `nack`: newer brokers count only `reject` towards the delivery limit.
                    await inbox.get_nowait().nack(requeue=True)
            enough = min(self._prefetch, self._most_room) // 10
            while self._room() <= enough and not (self._stopping.is_set() or lost.is_set()):
                await _wait(self._stopping, 0.05)

    async def _work_off(self, inbox: asyncio.Queue[AbstractIncomingMessage], lost: asyncio.Event) -> None:
        """Batch by batch until the room is gone, the connection is lost or it is time to stop."""
        while not (self._stopping.is_set() or lost.is_set()):
            room = self._room()
            self._most_room = max(self._most_room, room)
            if room <= 0:
                return
            first = await _get(inbox, self._stopping, lost)
            if first is None:
                return
            batch = [first]
            while len(batch) < min(room, self._prefetch) and not inbox.empty():
                batch.append(inbox.get_nowait())
            await self._handle(batch, lost)
            if len(batch) > 1:
                await _wait(self._stopping, GATHER_SECONDS)

    async def _handle(self, batch: list[AbstractIncomingMessage], lost: asyncio.Event) -> None:
        readable: list[tuple[AbstractIncomingMessage, tuple[str, ...]]] = []
        for message in batch:
            try:
                readable.append((message, decode(message.body).subjects))
            except MalformedEvent as error:
                log.error("message is no event", queue=self._spec.name, reason=str(error))
                EVENTS_DEAD.inc()
                await message.reject(requeue=False)
        failed = await self._until_database_is_back([one for _, ids in readable for one in ids], lost)
        if failed is None:
            return
        EVENTS_CONSUMED.inc(len(readable))
        if not failed and len(readable) == len(batch):
            await batch[-1].ack(multiple=True)
            return
        for message, ids in readable:
            await self._close_message(message, poisoned=not failed.isdisjoint(ids))

    async def _close_message(self, message: AbstractIncomingMessage, *, poisoned: bool) -> None:
        if not poisoned:
            await message.ack()
            return
        deliveries = int(str(message.headers.get("x-delivery-count", 0))) + 1
        if deliveries >= MOST_DELIVERIES:
            log.error("message dead-lettered", queue=self._spec.name, deliveries=deliveries)
            EVENTS_DEAD.inc()
        # `reject`, not `nack`: newer brokers count only the former towards the delivery limit.
        await message.reject(requeue=deliveries < MOST_DELIVERIES)

    async def _until_database_is_back(self, task_ids: list[str], lost: asyncio.Event) -> set[str] | None:
        """The failed ids, or None when the messages have gone back to the broker meanwhile."""
        while True:
            try:
                return await self._on_batch(task_ids) if task_ids else set()
            except Exception as error:
                if not is_unavailable(error):
                    raise
                log.warning("database away, keeping messages", queue=self._spec.name, kept=len(task_ids))
            if lost.is_set() or self._stopping.is_set():
                return None
            await _wait(self._stopping, DATABASE_RETRY_SECONDS)


async def _get(
    inbox: asyncio.Queue[AbstractIncomingMessage], *stops: asyncio.Event
) -> AbstractIncomingMessage | None:
    """The next message, or None once one of the events is set."""
    if not inbox.empty():
        return inbox.get_nowait()
    getter = asyncio.create_task(inbox.get(), name="consumer:get")
    waits = [asyncio.create_task(stop.wait(), name="consumer:stop") for stop in stops]
    try:
        await asyncio.wait([getter, *waits], return_when=asyncio.FIRST_COMPLETED)
        return getter.result() if getter.done() else None
    finally:
        for task in (getter, *waits):
            task.cancel()
        await asyncio.gather(getter, *waits, return_exceptions=True)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
