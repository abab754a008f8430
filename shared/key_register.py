"""Which keys there are: whoever calls providers says so, whoever routes reads it. Keys themselves stay put.

Collection `provider_keys`: `{_id: key id, provider, seen_at}`.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta

import structlog
from pymongo import UpdateOne

from shared.clock import Clock
from shared.mongo import Database, is_unavailable

log = structlog.get_logger()

SAY_EVERY_SECONDS = 60.0
RETRY_SECONDS = 2.0
GONE_AFTER = timedelta(minutes=5)
"""A key that nobody has named for so long, while others were named, has been taken out of the settings."""


class KeyRegister:
    """The ids of the keys that this installation holds."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._keys = database["provider_keys"]
        self._clock = clock

    async def say(self, keys: Mapping[str, tuple[str, ...]]) -> None:
        """This process can call these providers with these keys."""
        now = self._clock.now()
        operations = [
            UpdateOne({"_id": key}, {"$set": {"provider": provider, "seen_at": now}}, upsert=True)
            for provider, ids in keys.items()
            for key in ids
        ]
        if operations:
            await self._keys.bulk_write(operations, ordered=False)

    async def read(self) -> dict[str, tuple[str, ...]]:
        """Key ids by provider; empty until somebody has said something.

        With all of them silent all are still there: their processes are only stopped.
        """
        documents = await self._keys.find({}).sort("_id", 1).to_list()
        if not documents:
            return {}
        newest = max(document["seen_at"] for document in documents)
        found: defaultdict[str, list[str]] = defaultdict(list)
        for document in documents:
            if newest - document["seen_at"] < GONE_AFTER:
                found[document["provider"]].append(document["_id"])
        return {provider: tuple(ids) for provider, ids in found.items()}


async def stay_registered(register: KeyRegister, keys: Mapping[str, tuple[str, ...]]) -> None:
    """Say it again every minute until cancelled; the first time, as soon as the database is there."""
    while True:
        try:
            await register.say(keys)
            pause = SAY_EVERY_SECONDS
        except Exception as error:
            if not is_unavailable(error):
                raise
            log.warning("keys not registered", reason=type(error).__name__)
            pause = RETRY_SECONDS
        await asyncio.sleep(pause)
