"""What an account wants to be told of its money, and how far its chain has been watched for that."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from shared.clock import Clock
from shared.ledger.caps import Per, period_of
from shared.ledger.chain import Ledger
from shared.ledger.entry import EntryKind
from shared.ledger.limits import CLOCKS_APART
from shared.mongo import Database

MOST_USAGE_THRESHOLDS: Final = 20
_WATCH: Final = "thresholds.watch"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Amounts above zero."""

    low_balance_nano: int | None = None
    """The available balance below which it is low."""
    usage_nano: tuple[int, ...] = ()
    """Of what is captured in a month (UTC); in order."""


@dataclass(frozen=True, slots=True)
class Watch:
    """The totals of a chain at the block up to which it has been watched."""

    seq: int
    available_nano: int
    month: str
    captured_nano: int
    """In that month; refunds do not lower it."""


def captured_in(block: Mapping[str, Any]) -> int:
    """What a block charges."""
    return sum(entry["amount"] for entry in block["entries"] if entry["kind"] == EntryKind.END)


@dataclass(frozen=True, slots=True)
class Watched:
    """An account with thresholds."""

    account_id: str
    thresholds: Thresholds
    watch: Watch


class ThresholdStore:
    """`accounts.thresholds`: the amounts, and the watch as a part of its own."""

    def __init__(self, database: Database, ledger: Ledger, clock: Clock) -> None:
        self._accounts = database["accounts"]
        self._ledger = ledger
        self._clock = clock

    async def of(self, account_id: str) -> Thresholds:
        """Those of an account; without any it has empty ones."""
        found = await self._accounts.find_one({"_id": account_id}, {"thresholds": 1})
        return _thresholds((found or {}).get("thresholds", {}))

    async def set(self, account_id: str, thresholds: Thresholds) -> None:
        """Put these in the place of what there was. What is crossed already counts as told."""
        unwatched = {"_id": account_id, _WATCH: {"$exists": False}}
        if await self._accounts.count_documents(unwatched):
            start = asdict(await self._start(account_id))
            await self._accounts.update_one(unwatched, {"$set": {_WATCH: start}})
        amounts = {
            "thresholds.low_balance_nano": thresholds.low_balance_nano,
            "thresholds.usage_nano": list(thresholds.usage_nano),
            "thresholds.set_at": self._clock.now(),
        }
        await self._accounts.update_one({"_id": account_id}, {"$set": amounts})

    async def remove(self, account_id: str) -> None:
        """Tell the account nothing any more."""
        await self._accounts.update_one({"_id": account_id}, {"$unset": {"thresholds": ""}})

    async def watched(self) -> AsyncIterator[Watched]:
        """Every account that has thresholds."""
        with_any = {"thresholds.set_at": {"$exists": True}, _WATCH: {"$exists": True}}
        async for account in self._accounts.find(with_any, {"thresholds": 1}):
            stored = account["thresholds"]
            yield Watched(account["_id"], _thresholds(stored), Watch(**stored["watch"]))

    async def advance(self, account_id: str, before: Watch, after: Watch) -> bool:
        """Move the watch; False when another process was faster or the thresholds are gone."""
        query = {"_id": account_id, f"{_WATCH}.seq": before.seq}
        result = await self._accounts.update_one(query, {"$set": {_WATCH: asdict(after)}})
        return result.matched_count == 1

    async def _start(self, account_id: str) -> Watch:
        """A watch at the end of the chain."""
        tail, now = await self._ledger.tail(account_id), self._clock.now()
        if tail is None:
            return Watch(0, 0, period_of(Per.MONTH, now), 0)
        month, captured = period_of(Per.MONTH, max(now, tail["at"])), 0
        async for block in self._ledger.blocks_backwards(account_id, tail["seq"]):
            if period_of(Per.MONTH, block["at"] + CLOCKS_APART) < month:
                break
            if period_of(Per.MONTH, block["at"]) == month:
                captured += captured_in(block)
        return Watch(tail["seq"], tail["available"], month, captured)


def _thresholds(stored: Mapping[str, Any]) -> Thresholds:
    return Thresholds(stored.get("low_balance_nano"), tuple(stored.get("usage_nano", ())))
