"""A delivery: one event of one task for one URL, from its first attempt to its end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from shared.ids import Prefix, new_id
from shared.mongo import Document

_HOST = re.compile(r"[^:/?#]*://([^/?#]*)")


class DeliveryState(StrEnum):
    """Where a delivery stands; the last two are final."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GAVE_UP = "gave_up"


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """One POST and what came of it. `status` is None when no answer came; `error` is None on success."""

    number: int
    at: datetime
    duration_ms: int
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    """How the answer begins, at most 2 KB."""
    error: str | None = None

    def document(self) -> Document:
        return {
            "number": self.number,
            "at": self.at,
            "duration_ms": self.duration_ms,
            "status": self.status,
            "headers": self.headers,
            "body": self.body,
            "error": self.error,
        }


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A delivery that is yet to be stored. `body` never changes."""

    task_id: str
    account_id: str
    dialect: str
    event: str
    url: str
    body: bytes
    key_id: str | None = None
    """The API key of the task."""

    @property
    def host(self) -> str:
        """Host and port, lower-case: what a slow receiver's deliveries have in common."""
        match = _HOST.match(self.url)
        return match[1].lower() if match else self.url

    def document(self, now: datetime, wake_at: datetime, owner: str | None) -> Document:
        return {
            "_id": new_id(Prefix.DELIVERY),
            "task_id": self.task_id,
            "account_id": self.account_id,
            "event": self.event,
            "url": self.url,
            "host": self.host,
            "dialect": self.dialect,
            "body": self.body,
            "key_id": self.key_id,
            "state": DeliveryState.PENDING,
            "attempts": [],
            "wake_at": wake_at,
            "owner": owner,
            "created_at": now,
        }


@dataclass(frozen=True, slots=True)
class Delivery:
    """A pending delivery in the hands of whoever claimed it. `owner` is the claim's own token."""

    id: str
    task_id: str
    account_id: str
    url: str
    host: str
    body: bytes
    attempts_made: int
    owner: str
    leased_until: datetime
    event: str = ""
    dialect: str = ""
    key_id: str | None = None
    """Of deliveries made by an earlier version it is not known."""

    @classmethod
    def claimed(cls, document: Document, owner: str, leased_until: datetime) -> Self:
        return cls(
            id=document["_id"],
            task_id=document["task_id"],
            account_id=document["account_id"],
            url=document["url"],
            host=document["host"],
            body=bytes(document["body"]),
            attempts_made=len(document["attempts"]),
            owner=owner,
            leased_until=leased_until,
            event=document["event"],
            dialect=document["dialect"],
            key_id=document.get("key_id"),
        )


@dataclass(frozen=True, slots=True)
class Recording:
    """What an attempt has made of a delivery. `wake_at` is None exactly when `state` is final."""

    delivery: Delivery
    attempt: DeliveryAttempt
    state: DeliveryState
    wake_at: datetime | None

    def update(self) -> dict[str, Any]:
        update: dict[str, Any] = {
            "$push": {"attempts": self.attempt.document()},
            "$set": {"state": self.state, "owner": None},
        }
        if self.wake_at is None:
            update["$unset"] = {"wake_at": ""}
        else:
            update["$set"]["wake_at"] = self.wake_at
        return update
