"""What an account is told of beside its tasks: kept once, then delivered to its webhook endpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pymongo.errors import BulkWriteError

from shared.mongo import Database, duplicates


class AccountEventType(StrEnum):
    """The names that receivers see."""

    BALANCE_LOW = "balance.low"
    USAGE_THRESHOLD = "usage.threshold"
    WEBHOOK_TEST = "webhook.test"
    """Only for the endpoint that it names, whatever its filter."""
    WEBHOOK_DISABLED = "webhook.disabled"
    """An endpoint was gone or has failed for days; told to the account's others."""


@dataclass(frozen=True, slots=True)
class AccountEvent:
    """`id` follows from the cause: recorded again, it is the same event."""

    id: str
    account_id: str
    type: AccountEventType
    data: Mapping[str, Any]
    """What the payload says of it; JSON values."""
    at: datetime


class AccountEvents:
    """The `account_events` collection. `wake_at` marks those that no notifier has taken up yet."""

    def __init__(self, database: Database) -> None:
        self._events = database["account_events"]

    async def record(self, events: Sequence[AccountEvent]) -> None:
        """Keep events; those that are there already stay as they are."""
        documents = [
            {
                "_id": event.id,
                "account_id": event.account_id,
                "type": event.type.value,
                "data": dict(event.data),
                "at": event.at,
                "wake_at": event.at,
            }
            for event in events
        ]
        if not documents:
            return
        try:
            await self._events.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            # Raises what is more than events that are there already.
            duplicates(error)

    async def due(self, now: datetime, most: int) -> list[AccountEvent]:
        """Those that wait for being told, the longest first. Of a later version's types none."""
        query = {"wake_at": {"$lte": now}, "type": {"$in": list(AccountEventType)}}
        cursor = self._events.find(query).sort("wake_at", 1).limit(most)
        return [
            AccountEvent(
                document["_id"],
                document["account_id"],
                AccountEventType(document["type"]),
                document["data"],
                document["at"],
            )
            async for document in cursor
        ]

    async def postpone(self, event_id: str, until: datetime) -> None:
        """Look at it again then."""
        await self._events.update_one(
            {"_id": event_id, "wake_at": {"$exists": True}}, {"$set": {"wake_at": until}}
        )

    async def settle(self, event_ids: Iterable[str]) -> None:
        """They have their deliveries."""
        await self._events.update_many({"_id": {"$in": list(event_ids)}}, {"$unset": {"wake_at": ""}})
