"""A lease lets one of several processes work at a time."""

from __future__ import annotations

from datetime import timedelta

from pymongo.errors import DuplicateKeyError

from shared.clock import Clock
from shared.ids import Prefix, new_id
from shared.mongo import Database


class Lease:
    """A document of the `leases` collection; who holds it takes it again before it runs out."""

    def __init__(self, database: Database, name: str, clock: Clock, lasts: timedelta) -> None:
        self._leases = database["leases"]
        self._name = name
        self._clock = clock
        self._lasts = lasts
        self._owner = new_id(Prefix.OWNER)

    async def take(self) -> bool:
        """Whether it is this process's turn from now on."""
        now = self._clock.now()
        free = {"_id": self._name, "$or": [{"owner": self._owner}, {"until": {"$lte": now}}]}
        taken = {"$set": {"owner": self._owner, "until": now + self._lasts}}
        try:
            result = await self._leases.update_one(free, taken, upsert=True)
        except DuplicateKeyError:
            return False
        return result.matched_count == 1 or result.upserted_id is not None
