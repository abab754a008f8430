"""The exchange and the queues: one per consumer, one per provider for workers, each with dead letters."""

from __future__ import annotations

from dataclasses import dataclass

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractExchange, AbstractQueue

from shared.bus.events import EventType

EXCHANGE = "hatchery.events"
DEAD_LETTER_EXCHANGE = "hatchery.dead"
DELIVERY_LIMIT = 20
"""The broker's own stop for a message that keeps killing its consumer."""


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """A consumer's queue and the routing keys it is bound to."""

    name: str
    bindings: tuple[str, ...]

    @property
    def dead_letters(self) -> str:
        return f"{self.name}.dlq"


ROUTER_QUEUE = QueueSpec(
    "router.tasks", (EventType.TASK_QUEUED, EventType.ATTEMPT_FAILED, EventType.TASK_CANCEL_REQUESTED)
)
BILLING_QUEUE = QueueSpec("billing.tasks", (EventType.TASK_GENERATED, EventType.TASK_REJECTED))
NOTIFIER_QUEUE = QueueSpec(
    "notifier.tasks", (EventType.TASK_COMPLETED, EventType.TASK_FAILED, EventType.TASK_CANCELLED)
)


def worker_queue(provider: str) -> QueueSpec:
    """The queue of the attempts on one provider, so that a slow one stops no other."""
    return QueueSpec(f"worker.{provider}", (f"{EventType.ATTEMPT_DISPATCHED}.{provider}",))


async def declare_exchange(channel: AbstractChannel) -> AbstractExchange:
    """The topic exchange that every event goes through."""
    return await channel.declare_exchange(EXCHANGE, ExchangeType.TOPIC, durable=True)


async def declare_queue(channel: AbstractChannel, spec: QueueSpec) -> AbstractQueue:
    """The queue with its bindings and its dead-letter queue; harmless when they are there."""
    exchange = await declare_exchange(channel)
    dead = await channel.declare_exchange(DEAD_LETTER_EXCHANGE, ExchangeType.DIRECT, durable=True)
    dead_letters = await channel.declare_queue(
        spec.dead_letters, durable=True, arguments={"x-queue-type": "quorum"}
    )
    await dead_letters.bind(dead, spec.name)
    queue = await channel.declare_queue(
        spec.name,
        durable=True,
        arguments={
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": DEAD_LETTER_EXCHANGE,
            "x-dead-letter-routing-key": spec.name,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        },
    )
    for binding in spec.bindings:
        await queue.bind(exchange, binding)
    return queue
