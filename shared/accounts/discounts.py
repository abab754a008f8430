"""Discounts agreed with an account: whole percents by model, in `accounts.discounts`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.mongo import Database


class Discounts:
    """Api processes know a change within ten seconds: as long as they keep a key's owner."""

    def __init__(self, database: Database) -> None:
        self._accounts = database["accounts"]

    async def of(self, account_id: str) -> dict[str, int]:
        """Percents by the catalog's own model ids; `*` is for all the others."""
        found = await self._accounts.find_one({"_id": account_id}, {"discounts": 1})
        return dict((found or {}).get("discounts", {}))

    async def set(self, account_id: str, model: str, percent: int) -> None:
        """Agree on 0 to 100 percent for a model or `*`."""
        await self._change(account_id, {"$setField": _field(model) | {"value": percent}})

    async def remove(self, account_id: str, model: str) -> None:
        """Without one nothing changes."""
        await self._change(account_id, {"$unsetField": _field(model)})

    async def _change(self, account_id: str, discounts: Mapping[str, Any]) -> None:
        await self._accounts.update_one({"_id": account_id}, [{"$set": {"discounts": discounts}}])


def _field(model: str) -> dict[str, Any]:
    # Model ids have dots in them, which a path would take apart.
    return {"field": {"$literal": model}, "input": {"$ifNull": ["$discounts", {}]}}
