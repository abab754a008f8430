"""Dead letters: messages that no consumer could use, kept to be looked at and tried again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from shared.bus.events import MalformedEvent, decode
from shared.bus.topology import (
    BILLING_QUEUE,
    NOTIFIER_QUEUE,
    ROUTER_QUEUE,
    QueueSpec,
    declare_queue,
    worker_queue,
)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead message; `task_ids` are empty where the body is no event."""

    queue: str
    type: str
    task_ids: tuple[str, ...]
    body: str


def queues(providers: Iterable[str]) -> list[QueueSpec]:
    """Every queue that can have dead letters."""
    return [ROUTER_QUEUE, BILLING_QUEUE, NOTIFIER_QUEUE, *(worker_queue(provider) for provider in providers)]


async def list_dead(channel: AbstractChannel, specs: Sequence[QueueSpec], most: int) -> list[DeadLetter]:
    """Up to `most` dead letters of each queue; they stay where they are."""
    found: list[DeadLetter] = []
    for spec in specs:
        taken = [message async for message in _take(channel, spec, most)]
        found += [_describe(spec, message) for message in taken]
        for message in taken:
            await message.nack(requeue=True)
    return found


async def replay(channel: AbstractChannel, specs: Sequence[QueueSpec]) -> int:
    """Put the dead letters of these queues back where they came from; gives how many.

    The channel confirms. A message that is no event would only die again and stays.
    """
    count = 0
    for spec in specs:
        kept = []
        async for message in _take(channel, spec, None):
            if _describe(spec, message).task_ids:
                await channel.default_exchange.publish(
                    Message(
                        message.body, delivery_mode=DeliveryMode.PERSISTENT, content_type="application/json"
                    ),
                    spec.name,
                )
                await message.ack()
                count += 1
            else:
                kept.append(message)
        for message in kept:
            await message.nack(requeue=True)
    return count


async def _take(
    channel: AbstractChannel, spec: QueueSpec, most: int | None
) -> AsyncIterator[AbstractIncomingMessage]:
    await declare_queue(channel, spec)
    dead = await channel.get_queue(spec.dead_letters)
    taken = 0
    while most is None or taken < most:
        message = await dead.get(fail=False)
        if message is None:
            return
        taken += 1
        yield message


def _describe(spec: QueueSpec, message: AbstractIncomingMessage) -> DeadLetter:
    text = message.body[:500].decode(errors="replace")
    try:
        event = decode(message.body)
    except MalformedEvent:
        return DeadLetter(spec.name, "not an event", (), text)
    return DeadLetter(spec.name, event.type.value, event.subjects, text)
