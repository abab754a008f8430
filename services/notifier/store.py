"""The `deliveries` collection: every change is fenced by the token of the claim it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

import structlog
from pymongo import ASCENDING, UpdateOne
from pymongo.errors import BulkWriteError

from services.notifier.delivery import Delivery, NewDelivery, Recording
from shared.clock import Clock
from shared.ids import Prefix, new_id
from shared.mongo import Database, Document, duplicates
from shared.webhooks.states import DeliveryState

log = structlog.get_logger()

_CLOCK_DIFFERENCE = timedelta(seconds=1)
_PARTS = {
    "task_id": 1,
    "account_id": 1,
    "key_id": 1,
    "dialect": 1,
    "event": 1,
    "url": 1,
    "host": 1,
    "body": 1,
    "endpoint_id": 1,
    "attempts_before": 1,
    # Enough to count them by.
    "attempts.number": 1,
}

Fits = Callable[[Sequence[str]], Sequence[bool]]


class DeliveryStore:
    """Deliveries as every notifier sees them. A claim lasts for `lease` and ends by itself."""

    def __init__(self, database: Database, clock: Clock, lease: timedelta) -> None:
        self._deliveries = database["deliveries"]
        self._clock = clock
        self._lease = lease

    async def insert(self, new: Sequence[NewDelivery], claim: Sequence[bool]) -> list[Delivery]:
        """Add deliveries, unless they exist, and give those of them that were to be claimed for the caller.

        The others are due at once, for anybody.
        """
        now = self._clock.now()
        owner, leased_until = new_id(Prefix.OWNER), now + self._lease
        documents = [
            one.document(now, leased_until, owner) if mine else one.document(now, now, None)
            for one, mine in zip(new, claim, strict=True)
        ]
        existing = await self._insert(documents)
        return [
            Delivery.claimed(document, owner, leased_until)
            for document, mine in zip(documents, claim, strict=True)
            if mine and document["_id"] not in existing
        ]

    async def _insert(self, documents: Sequence[Document]) -> set[str]:
        """Gives the ids of those that were turned away, because there is one for the same already."""
        if not documents:
            return set()
        try:
            await self._deliveries.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            return {duplicate["op"]["_id"] for duplicate in duplicates(error)}
        return set()

    async def claim_due(
        self, limit: int, full_hosts: Sequence[str], fits: Fits
    ) -> tuple[list[Delivery], bool]:
        """Take deliveries whose time has come, the longest due first; replicas share them out.

        Looks at up to `limit` of them, for none of `full_hosts`, and takes those whose host `fits`.
        Tells also whether there may be more.
        """
        now = self._clock.now()
        query: dict[str, Any] = {"wake_at": {"$lte": now}, "state": DeliveryState.PENDING}
        cursor = self._deliveries.find({**query, "host": {"$nin": list(full_hosts)}}, _PARTS)
        found = await cursor.sort("wake_at", ASCENDING).limit(limit).to_list()
        fitting = fits([document["host"] for document in found])
        chosen = [document for document, fit in zip(found, fitting, strict=True) if fit]
        return await self._claim(chosen, query), len(found) == limit

    async def _claim(self, documents: Sequence[Document], query: dict[str, Any]) -> list[Delivery]:
        if not documents:
            return []
        owner, leased_until = new_id(Prefix.OWNER), self._clock.now() + self._lease
        ids = [document["_id"] for document in documents]
        result = await self._deliveries.update_many(
            {"_id": {"$in": ids}, **query}, {"$set": {"wake_at": leased_until, "owner": owner}}
        )
        mine = set(ids)
        if result.matched_count != len(ids):
            cursor = self._deliveries.find({"_id": {"$in": ids}, "owner": owner}, {"_id": 1})
            mine = {document["_id"] async for document in cursor}
        return [
            Delivery.claimed(document, owner, leased_until)
            for document in documents
            if document["_id"] in mine
        ]

    async def record(self, recordings: Sequence[Recording]) -> list[None]:
        """Write down attempts, each only while its claim still holds, so that none is written twice."""
        result = await self._deliveries.bulk_write(
            [
                UpdateOne(
                    {
                        "_id": recording.delivery.id,
                        "owner": recording.delivery.owner,
                        "state": DeliveryState.PENDING,
                    },
                    recording.update(),
                )
                for recording in recordings
            ],
            ordered=False,
        )
        if lost := len(recordings) - result.matched_count:
            log.warning("attempts not recorded", count=lost, reason="claim lost or recorded already")
        return [None] * len(recordings)

    async def release(self, deliveries: Iterable[Delivery]) -> None:
        """End these claims, so that another takes the deliveries on at once, whatever its clock reads."""
        releases = [
            UpdateOne(
                {"_id": delivery.id, "owner": delivery.owner, "state": DeliveryState.PENDING},
                {"$set": {"wake_at": self._clock.now() - _CLOCK_DIFFERENCE, "owner": None}},
            )
            for delivery in deliveries
        ]
        if releases:
            await self._deliveries.bulk_write(releases, ordered=False)
