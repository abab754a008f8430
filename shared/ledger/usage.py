"""Usage by day, model and key: a fold of the chain that can be rebuilt and never counts twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from pymongo.errors import DuplicateKeyError

from shared.killpoints import KillPoints
from shared.ledger.chain import Ledger
from shared.ledger.chains import is_account
from shared.ledger.usage_rows import (
    BySource,
    Source,
    Usage,
    UsageQuery,
    add,
    day_of,
    rows_of,
    totals_of,
    usage_of,
)
from shared.mongo import Database, Document

_HEAD: Final = "head"
"""In the place of a day: how far all days are folded. It sorts after every day."""
_EVERYTHING: Final = UsageQuery()


class UsageFold:
    """The `usage_days` collection: per account and day (UTC) the totals, and the `seq` that they go up to."""

    def __init__(self, database: Database, ledger: Ledger, killpoints: KillPoints) -> None:
        self._days = database["usage_days"]
        self._ledger = ledger
        self._killpoints = killpoints

    async def summary(self, account: str, query: UsageQuery = _EVERYTHING) -> dict[str, Usage]:
        """Totals by group, exact at this moment: the fold and the blocks after it.

        Over all groups together they come to what the chain has as `spent`.
        """
        # The head comes first: days read after it are as far as it says, or further.
        head = await self._read(account, _HEAD)
        reached: dict[str, int] = {}
        totals: dict[str, Usage] = {}
        async for folded in self._days.find({"account": account, "day": _range(query)}).sort("day", 1):
            reached[folded["day"]] = folded["seq"]
            query.add(totals, folded["day"], totals_of(folded["rows"]))
        async for block in self._ledger.blocks(account, _seq(head)):
            day = day_of(block)
            if query.covers(day) and block["seq"] > reached.get(day, 0):
                query.add(totals, day, usage_of(block))
        return totals

    async def catch_up(self, account: str) -> None:
        """Fold the blocks since last time; safe from several processes and after a crash in between.

        Chains of coupons have no usage.
        """
        if not is_account(account):
            return
        head = await self._read(account, _HEAD)
        known: dict[str, Document | None] = {}
        additions: defaultdict[str, BySource] = defaultdict(dict)
        last_seq = 0
        async for block in self._ledger.blocks(account, _seq(head)):
            last_seq = block["seq"]
            if added := usage_of(block):
                day = day_of(block)
                if day not in known:
                    known[day] = await self._read(account, day)
                # The head is written last: after a crash between two days, each day's own `seq` keeps its
                # blocks from counting twice.
                if last_seq > _seq(known[day]):
                    add(additions[day], added)
        for day, added in additions.items():
            folded = known[day]
            totals = totals_of(folded["rows"]) if folded else {}
            add(totals, added)
            if not await self._write(account, day, folded, totals, last_seq):
                return
            self._killpoints.reach("billing.between_fold_steps")
        if last_seq:
            await self._write(account, _HEAD, head, {}, last_seq)

    async def rebuild(self, account: str) -> int:
        """Make all days anew from the whole chain, whatever stands there; gives how many there are.

        Safe beside processes that fold: what they change in between is made anew once more.
        """
        totals: defaultdict[str, BySource] = defaultdict(dict)
        last_seq = 0
        while True:
            known = {one["day"]: one async for one in self._days.find({"account": account})}
            async for block in self._ledger.blocks(account, last_seq):
                last_seq = block["seq"]
                if added := usage_of(block):
                    add(totals[day_of(block)], added)
            if await self._replace(account, known, totals, last_seq):
                return len(totals)

    async def _replace(
        self, account: str, known: Mapping[str, Document], totals: Mapping[str, BySource], seq: int
    ) -> bool:
        for day in sorted((known.keys() | totals.keys()) - {_HEAD}):
            if not await self._write(account, day, known.get(day), totals.get(day, {}), seq):
                return False
        return await self._write(account, _HEAD, known.get(_HEAD), {}, seq)

    async def _read(self, account: str, day: str) -> Document | None:
        return await self._days.find_one({"account": account, "day": day})

    async def _write(
        self, account: str, day: str, known: Document | None, totals: Mapping[Source, Usage], seq: int
    ) -> bool:
        """Compare-and-set on the day's `revision`; False when another process was faster."""
        fields = {"seq": seq, "rows": rows_of(totals)}
        if known is None:
            try:
                await self._days.insert_one({"account": account, "day": day, "revision": 1, **fields})
            except DuplicateKeyError:
                return False
            return True
        result = await self._days.update_one(
            {"account": account, "day": day, "revision": known["revision"]},
            {"$set": fields, "$inc": {"revision": 1}},
        )
        return result.matched_count == 1


def _seq(folded: Document | None) -> int:
    return int(folded["seq"]) if folded else 0


def _range(query: UsageQuery) -> dict[str, str]:
    """The days of a query, in the index; never the head."""
    least = {} if query.since is None else {"$gte": str(query.since)}
    return {**least, "$lt": _HEAD if query.until is None else str(query.until)}
