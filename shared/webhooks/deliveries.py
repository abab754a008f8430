"""The log of deliveries as the account's owner reads it, and asking for another round of attempts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pymongo import ReturnDocument
from ulid import ULID

from shared.clock import Clock
from shared.errors import HatcheryError
from shared.ids import Prefix
from shared.mongo import Database, Document
from shared.webhooks.states import DeliveryState

MOST_ATTEMPTS: Final = 100
"""Of one delivery in all its rounds."""
MOST_AT_ONCE: Final = 10_000
_LIST: Final = {"body": 0, "attempts.headers": 0, "attempts.body": 0}
_FINAL: Final = [DeliveryState.DELIVERED, DeliveryState.GAVE_UP]


class UnknownDelivery(HatcheryError):
    """There is no such delivery"""

    code, status = "delivery_not_found", 404


class TooManyAttempts(HatcheryError):
    """This delivery has been attempted 100 times"""

    code, status = "too_many_attempts", 409


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """What to leave out. `since` and `until` are when deliveries were made; `until` is not within."""

    endpoint_id: str | None = None
    event: str | None = None
    state: DeliveryState | None = None
    task_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def query(self, account_id: str, before: str | None) -> dict[str, Any]:
        """For the index by account and state, by endpoint and state, or by task."""
        states = list(DeliveryState) if self.state is None else [self.state]
        query: dict[str, Any] = {"account_id": account_id, "state": {"$in": states}}
        named = {"endpoint_id": self.endpoint_id, "event": self.event, "task_id": self.task_id}
        query |= {name: value for name, value in named.items() if value is not None}
        ends = [end for end in (before, self.until and _first_id(self.until)) if end is not None]
        within = {"$lt": min(ends)} if ends else {}
        if self.since is not None:
            within["$gte"] = _first_id(self.since)
        return query | ({"_id": within} if within else {})


class DeliveryLog:
    """Everything is asked with the account: another's delivery is an unknown one."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._deliveries = database["deliveries"]
        self._clock = clock

    async def page(
        self, account_id: str, where: DeliveryFilter, before: str | None, most: int
    ) -> list[Document]:
        """Deliveries made before that one, the newest first, without bodies."""
        cursor = self._deliveries.find(where.query(account_id, before), _LIST).sort("_id", -1).limit(most)
        return await cursor.to_list()

    async def get(self, account_id: str, delivery_id: str) -> Document:
        """All of it. Raises UnknownDelivery."""
        document = await self._deliveries.find_one({"_id": delivery_id, "account_id": account_id})
        if document is None:
            raise UnknownDelivery
        return document

    async def redeliver(self, account_id: str, delivery_id: str) -> Document:
        """Attempt it now, with the same id and bytes; should that fail, the schedule starts anew.

        One that waits for its next attempt gets it now; one that is on its way stays as it is. Raises
        UnknownDelivery and TooManyAttempts.
        """
        mine = {"_id": delivery_id, "account_id": account_id}
        again = await self._deliveries.find_one_and_update(
            {**mine, "state": {"$in": _FINAL}, **_room()},
            self._another_round(),
            return_document=ReturnDocument.AFTER,
        )
        if again is not None:
            return again
        await self._deliveries.update_one(
            {**mine, "state": DeliveryState.PENDING, "owner": None},
            {"$set": {"wake_at": self._clock.now()}, "$unset": {"resting": ""}},
        )
        found = await self.get(account_id, delivery_id)
        if found["state"] in _FINAL and len(found["attempts"]) >= MOST_ATTEMPTS:
            raise TooManyAttempts
        return found

    async def redeliver_since(
        self, account_id: str, since: datetime, endpoint_id: str | None = None
    ) -> tuple[int, bool]:
        """Attempt all that have given up since then; how many, and whether there are still more."""
        query: dict[str, Any] = {
            "account_id": account_id,
            "state": DeliveryState.GAVE_UP,
            "attempts.at": {"$gte": since},
            **_room(),
        }
        if endpoint_id is not None:
            query["endpoint_id"] = endpoint_id
        cursor = self._deliveries.find(query, {"_id": 1}).sort("_id", 1).limit(MOST_AT_ONCE)
        ids = [document["_id"] async for document in cursor]
        result = await self._deliveries.update_many({**query, "_id": {"$in": ids}}, self._another_round())
        return result.modified_count, len(ids) == MOST_AT_ONCE

    def _another_round(self) -> Sequence[dict[str, Any]]:
        fields = {
            "state": DeliveryState.PENDING,
            "wake_at": self._clock.now(),
            "owner": None,
            "attempts_before": {"$size": "$attempts"},
            # Kept until thirty days after its new end.
            "ended_at": "$$REMOVE",
        }
        return [{"$set": fields}]


def _room() -> dict[str, Any]:
    return {f"attempts.{MOST_ATTEMPTS - 1}": {"$exists": False}}


def _first_id(at: datetime) -> str:
    """No delivery made at this time or later has a smaller id."""
    moment = str(ULID.from_datetime(at))[:10].lower()
    return f"{Prefix.DELIVERY}_{moment}{'0' * 16}"
