"""A delivery: one event for one callback or one endpoint, from its first attempt to its end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from shared.ids import Prefix, new_id
from shared.mongo import Document
from shared.webhooks.states import DeliveryState

_HOST = re.compile(r"[^:/?#]*://([^/?#]*)")


def host_of(url: str) -> str:
    """Host and port, lower-case: what a slow receiver's deliveries have in common."""
    match = _HOST.match(url)
    return match[1].lower() if match else url


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
    """A delivery that is yet to be stored. `body` never changes.

    There is one for a task, event and URL or, for endpoints, for an event and endpoint.
    """

    task_id: str | None
    """None for events of the account."""
    account_id: str
    dialect: str
    """Empty for endpoints, whose payloads are the same in all."""
    event: str
    url: str
    body: bytes
    key_id: str | None = None
    """The API key of the task."""
    endpoint_id: str | None = None
    event_id: str | None = None
    """What the endpoints of an account have in common."""

    @property
    def host(self) -> str:
        return host_of(self.url)

    def document(self, now: datetime, wake_at: datetime, owner: str | None) -> Document:
        return {
            "_id": new_id(Prefix.DELIVERY),
            **({} if self.task_id is None else {"task_id": self.task_id}),
            **({} if self.endpoint_id is None else {"endpoint_id": self.endpoint_id}),
            **({} if self.event_id is None else {"event_id": self.event_id}),
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
    task_id: str | None
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
    endpoint_id: str | None = None
    attempts_before: int = 0
    """How many had been made when somebody asked for another round of them."""

    @classmethod
    def claimed(cls, document: Document, owner: str, leased_until: datetime) -> Self:
        return cls(
            id=document["_id"],
            task_id=document.get("task_id"),
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
            endpoint_id=document.get("endpoint_id"),
            attempts_before=document.get("attempts_before", 0),
        )


@dataclass(frozen=True, slots=True)
class Recording:
    """What becomes of a claimed delivery. `wake_at` is None exactly when `state` is final."""

    delivery: Delivery
    attempt: DeliveryAttempt | None
    """None where none was made because the endpoint rests."""
    state: DeliveryState
    wake_at: datetime | None
    posted: bool = False
    """The attempt says something of its receiver."""
    probe: bool = False
    """The attempt was the one that tries whether an endpoint has recovered."""

    def update(self) -> dict[str, Any]:
        fields: dict[str, Any] = {"state": self.state, "owner": None}
        update: dict[str, Any] = {"$set": fields}
        if self.attempt is not None:
            update["$push"] = {"attempts": self.attempt.document()}
        elif self.wake_at is not None:
            fields["resting"] = True
        if self.delivery.endpoint_id is not None:
            # An endpoint's address may have changed since.
            fields |= {"url": self.delivery.url, "host": self.delivery.host}
        if self.wake_at is None:
            update["$unset"] = {"wake_at": ""}
            if self.attempt is not None:
                fields["ended_at"] = self.attempt.at
        else:
            fields["wake_at"] = self.wake_at
        if self.attempt is not None and self.delivery.endpoint_id is not None:
            update["$unset"] = {**update.get("$unset", {}), "resting": ""}
        return update
