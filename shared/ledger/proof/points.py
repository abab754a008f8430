"""How far each chain has been verified, and the holds that were open there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from pymongo import UpdateOne
from pymongo.errors import DuplicateKeyError

from shared.ledger.block import Balance, balance_of
from shared.ledger.proof.acts import OpenHold
from shared.ledger.proof.violation import Violation
from shared.mongo import Database, Document

MOST_FINDINGS: Final = 100
"""That are kept of one chain."""
_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Point:
    """A chain up to a block, and what was wrong with it so far."""

    tail: Balance = field(default_factory=Balance)
    findings: tuple[Violation, ...] = ()


class Points:
    """The collection `audits`, by chain. What was found stays until the whole chain is verified anew."""

    def __init__(self, database: Database) -> None:
        self._audits = database["audits"]

    async def read(self, chain: str | None = None) -> dict[str, Point]:
        """All points, or one chain's."""
        query = {} if chain is None else {"_id": chain}
        return {
            document["_id"]: _point(document) async for document in self._audits.find(query).sort("_id", 1)
        }

    async def move(self, chain: str, start: Balance, to: Balance, found: Sequence[Violation]) -> bool:
        """Verified up to here; False when somebody else has moved the point meanwhile."""
        fields = {
            "seq": to.seq,
            "available": to.available,
            "held": to.held,
            "spent": to.spent,
            "owed": to.owed,
            "caps": [cap.to_document() for cap in to.caps],
        }
        update: dict[str, Any] = {"$set": fields}
        if found:
            kept = [violation.to_document() for violation in found[:MOST_FINDINGS]]
            update["$push"] = {"findings": {"$each": kept, "$slice": -MOST_FINDINGS}}
        try:
            result = await self._audits.update_one(
                {"_id": chain, "seq": start.seq}, update, upsert=start.seq == 0
            )
        except DuplicateKeyError:
            return False
        return result.matched_count == 1 or result.upserted_id is not None

    async def forget_findings(self, chain: str | None = None) -> None:
        """The whole chain, or all of them, has been verified and nothing is wrong."""
        query: Document = {"findings": {"$exists": True}}
        await self._audits.update_many(
            query if chain is None else {"_id": chain, **query}, {"$unset": {"findings": ""}}
        )


class OpenHolds:
    """The collection `open_holds`: `{_id: op, chain, task_id, amount, at, model, key_id, look_at}`.

    All holds before the points that had no end there; one may linger that has ended, until it is looked at.
    """

    def __init__(self, database: Database) -> None:
        self._holds = database["open_holds"]

    async def add(self, holds: Sequence[tuple[OpenHold, datetime]]) -> None:
        """Keep them, each to be looked at from a time on."""
        for start in range(0, len(holds), _AT_ONCE):
            await self._holds.bulk_write(
                [
                    UpdateOne({"_id": hold.op}, {"$setOnInsert": _document(hold, look_at)}, upsert=True)
                    for hold, look_at in holds[start : start + _AT_ONCE]
                ],
                ordered=False,
            )

    async def due(self, now: datetime, limit: int) -> list[OpenHold]:
        """Those to be looked at, the longest due first."""
        cursor = self._holds.find({"look_at": {"$lte": now}}).sort("look_at", 1).limit(limit)
        return [_hold(document) async for document in cursor]

    async def look_again(self, times: Mapping[str, datetime]) -> None:
        """Put them off, by op."""
        if times:
            await self._holds.bulk_write(
                [UpdateOne({"_id": op}, {"$set": {"look_at": at}}) for op, at in times.items()],
                ordered=False,
            )

    async def remove(self, ops: Iterable[str]) -> None:
        """They have ended."""
        if wanted := list(ops):
            await self._holds.delete_many({"_id": {"$in": wanted}})


def _point(document: Mapping[str, Any]) -> Point:
    findings = tuple(Violation.from_document(one) for one in document.get("findings", ()))
    return Point(balance_of(document), findings)


def _document(hold: OpenHold, look_at: datetime) -> Document:
    return {
        "chain": hold.chain,
        "task_id": hold.task_id,
        "amount": hold.amount,
        "at": hold.at,
        "model": hold.model,
        "key_id": hold.key_id,
        "look_at": look_at,
    }


def _hold(document: Mapping[str, Any]) -> OpenHold:
    return OpenHold(
        document["chain"],
        document["_id"],
        document["task_id"],
        document["amount"],
        document["at"],
        document["model"],
        document["key_id"],
    )
