"""Events: past-tense facts that tell a consumer which tasks to look at. All truth is in MongoDB."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from shared.errors import HatcheryError

VERSION = 1


class EventType(StrEnum):
    """The first two words of every routing key."""

    TASK_QUEUED = "task.queued"
    ATTEMPT_DISPATCHED = "attempt.dispatched"
    ATTEMPT_FAILED = "attempt.failed"
    ATTEMPT_HINTED = "attempt.hinted"
    TASK_CANCEL_REQUESTED = "task.cancel_requested"
    TASK_GENERATED = "task.generated"
    TASK_REJECTED = "task.rejected"
    TASK_COMPLETED = "task.completed"
    TASK_FAILED = "task.failed"
    TASK_CANCELLED = "task.cancelled"
    KEY_REVOKED = "key.revoked"
    PAYMENT_RECEIVED = "payment.received"


class MalformedEvent(HatcheryError):
    """The message is no event of a known type and version."""

    code, status = "malformed_event", 400


@dataclass(frozen=True, slots=True)
class Event:
    """`subjects` are task ids (key ids for `key.revoked`, the provider's event ids for
    `payment.received`); `topic` narrows the routing key."""

    type: EventType
    subjects: tuple[str, ...]
    topic: str | None = None

    @property
    def routing_key(self) -> str:
        return f"{self.type}.{self.topic}" if self.topic else self.type.value

    def encode(self) -> bytes:
        return orjson.dumps({"v": VERSION, "type": self.type, "task_ids": self.subjects})


def decode(body: bytes) -> Event:
    """The event in a message body. Raises MalformedEvent."""
    try:
        document: Any = orjson.loads(body)
        version, subjects = document["v"], document["task_ids"]
        event_type = EventType(document["type"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise MalformedEvent(f"not an event: {type(error).__name__}") from error
    if version != VERSION or not isinstance(subjects, list):
        raise MalformedEvent(f"unknown version {version!r}")
    if not all(isinstance(subject, str) for subject in subjects):
        raise MalformedEvent("task_ids must be texts")
    return Event(event_type, tuple(subjects))


def pack(events: Iterable[Event], most: int = 100) -> list[Event]:
    """One event per routing key and `most` subjects; dispatches stay single, so that workers share them."""
    gathered: dict[tuple[EventType, str | None], list[str]] = {}
    packed: list[Event] = []
    for event in events:
        if event.type is EventType.ATTEMPT_DISPATCHED:
            packed.append(event)
        else:
            gathered.setdefault((event.type, event.topic), []).extend(event.subjects)
    for (event_type, topic), subjects in gathered.items():
        packed += [
            Event(event_type, tuple(subjects[start : start + most]), topic)
            for start in range(0, len(subjects), most)
        ]
    return packed
