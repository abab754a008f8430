"""The `payment_events` collection: what payment providers have told us, until billing has dealt with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from shared.clock import Clock
from shared.mongo import Database
from shared.payments.notices import Notice

LEASE = timedelta(seconds=30)
"""How long an event stays with a process that has taken it up and says nothing more."""


@dataclass(frozen=True, slots=True)
class PaymentEvent:
    """`id` and `type` are the provider's."""

    id: str
    type: str
    notices: tuple[Notice, ...]
    received_at: datetime
    problem: str | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> PaymentEvent:
        return cls(
            document["_id"],
            document["type"],
            tuple(Notice.from_document(one) for one in document["notices"]),
            document["received_at"],
            document.get("problem"),
        )


class PaymentEvents:
    """`wake_at` marks those that are still to be dealt with."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._events = database["payment_events"]
        self._clock = clock

    async def keep(self, event_id: str, event_type: str, notices: Sequence[Notice]) -> bool:
        """Whether it is a new one: an event that is here already stays as it is."""
        now = self._clock.now()
        document = {
            "_id": event_id,
            "type": event_type,
            "notices": [notice.to_document() for notice in notices],
            "payments": sorted({notice.payment for notice in notices if notice.payment}),
            "received_at": now,
            "wake_at": now,
        }
        try:
            await self._events.insert_one(document)
        except DuplicateKeyError:
            return False
        return True

    async def claim(self) -> PaymentEvent | None:
        """The one that has been due for longest; others find it again when the lease is over."""
        now = self._clock.now()
        document = await self._events.find_one_and_update(
            {"wake_at": {"$lte": now}},
            {"$set": {"wake_at": now + LEASE}},
            sort=[("wake_at", 1)],
            return_document=ReturnDocument.AFTER,
        )
        return None if document is None else PaymentEvent.from_document(document)

    async def done(self, event_id: str, problem: str | None = None) -> None:
        """Dealt with; a problem is what an operator has to look at."""
        told = {"done_at": self._clock.now()} | ({"problem": problem} if problem else {})
        await self._events.update_one({"_id": event_id}, {"$set": told, "$unset": {"wake_at": ""}})

    async def wait(self, event_id: str, delay: timedelta) -> None:
        """Look at it again later."""
        await self._events.update_one({"_id": event_id}, {"$set": {"wake_at": self._clock.now() + delay}})

    async def wake(self, payment: str) -> bool:
        """What waits for this payment is due now; tells whether there is any."""
        result = await self._events.update_many(
            {"payments": payment, "wake_at": {"$exists": True}}, {"$set": {"wake_at": self._clock.now()}}
        )
        return result.modified_count > 0

    async def with_problems(self, limit: int) -> list[PaymentEvent]:
        """Newest first."""
        found = self._events.find({"problem": {"$exists": True}}).sort("received_at", -1).limit(limit)
        return [PaymentEvent.from_document(document) async for document in found]
