"""Which accounts have endpoints that want to hear of an event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from shared.mongo import Database
from shared.webhooks.events import wants


@dataclass(frozen=True, slots=True)
class Listener:
    """An enabled endpoint."""

    endpoint_id: str
    url: str
    events: tuple[str, ...]

    def wants(self, event: str) -> bool:
        return wants(self.events, event)


class Listeners:
    """Reads the `webhook_endpoints` collection by account."""

    def __init__(self, database: Database) -> None:
        self._endpoints = database["webhook_endpoints"]

    async def among(self, account_ids: Collection[str]) -> frozenset[str]:
        """Those of these accounts that have any; a look at an index for the others."""
        if not account_ids:
            return frozenset()
        query = {"account_id": {"$in": list(account_ids)}, "enabled": True}
        cursor = self._endpoints.find(query, {"_id": 0, "account_id": 1})
        return frozenset([document["account_id"] async for document in cursor])

    async def of(self, account_ids: Collection[str]) -> Mapping[str, Sequence[Listener]]:
        """By account; none for accounts without."""
        found: defaultdict[str, list[Listener]] = defaultdict(list)
        if account_ids:
            query = {"account_id": {"$in": list(account_ids)}, "enabled": True}
            async for one in self._endpoints.find(query, {"account_id": 1, "url": 1, "events": 1}):
                found[one["account_id"]].append(Listener(one["_id"], one["url"], tuple(one["events"])))
        return found
