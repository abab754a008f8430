"""Indexes are made on collections of any size."""

from __future__ import annotations

from pymongo import AsyncMongoClient
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from deploy.local.servers import Servers
from shared.mongo import Database, Document, ensure_indexes

HOUR_MS = 3600 * 1000


class Limits(CommandListener):
    """The time limits that the server is given for making indexes."""

    def __init__(self) -> None:
        self.ms: list[int] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == "createIndexes":
            self.ms.append(event.command.get("maxTimeMS", HOUR_MS))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Of no interest."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Of no interest."""


async def test_making_indexes_may_take_longer_than_any_other_call(
    servers: Servers, database: Database
) -> None:
    limits = Limits()
    client: AsyncMongoClient[Document] = AsyncMongoClient(
        servers.mongo_url, timeoutMS=8_000, event_listeners=[limits]
    )
    async with client:
        await ensure_indexes(client[database.name])

    assert limits.ms
    assert min(limits.ms) >= HOUR_MS
