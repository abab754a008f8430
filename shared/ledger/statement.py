"""Statements: every entry of an account's chain with the balance after it, read page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from shared.ledger.block import Balance, balance_of
from shared.ledger.entry import Entry, EntryKind
from shared.mongo import Database, Document

WINDOW: Final = 20_000
"""Blocks that one query looks through for entries of a kind."""
MOST_WINDOWS: Final = 5
"""Queries for one page: entries of a rare kind come in pages that are not full."""
_BATCH: Final = 500
_LAST_INDEX: Final = 999_999
CLOCKS_APART: Final = timedelta(minutes=10)
"""How far `at` may go back from one block to a later one, as different processes write them."""

Position = tuple[int, int]
"""A block's `seq` and the place of an entry in it, from 0."""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One entry and the totals right after it."""

    position: Position
    at: datetime
    entry: Entry
    balance: Balance

    @property
    def id(self) -> str:
        """Such as `17.0`; the same for ever."""
        return text_of(self.position)


@dataclass(frozen=True, slots=True)
class StatementQuery:
    """Entries made at or after `since` and before `until`; of one kind; newest first unless `ascending`."""

    since: datetime | None = None
    until: datetime | None = None
    kind: EntryKind | None = None
    ascending: bool = False


@dataclass(frozen=True, slots=True)
class StatementPage:
    """`next` continues where the page ends; a page that is not full may have one too."""

    lines: list[StatementLine]
    next: Position | None


def text_of(position: Position) -> str:
    return f"{position[0]}.{position[1]}"


class Statements:
    """Reads the `ledger` collection by `(account, seq)` alone."""

    def __init__(self, database: Database, window: int = WINDOW, most_windows: int = MOST_WINDOWS) -> None:
        self._blocks = database["ledger"]
        self._window = window
        self._most_windows = most_windows

    async def page(
        self, account: str, query: StatementQuery, limit: int, after: Position | None = None
    ) -> StatementPage:
        """At most `limit` entries, those after a position in the order asked for."""
        low, high = await self._bounds(account, query)
        return await self._page(account, query, limit, after, low, high)

    async def stream(self, account: str, query: StatementQuery) -> AsyncIterator[StatementLine]:
        """All of them, as far as the chain goes now; a batch at a time in memory."""
        low, high = await self._bounds(account, query)
        after = None
        while True:
            page = await self._page(account, query, _BATCH, after, low, high)
            for line in page.lines:
                yield line
            after = page.next
            if after is None:
                return

    async def _page(
        self,
        account: str,
        query: StatementQuery,
        limit: int,
        after: Position | None,
        low: int,
        high: int,
    ) -> StatementPage:
        if after is not None and query.ascending:
            low = max(low, after[0] + (after[1] == _LAST_INDEX))
        elif after is not None:
            high = min(high, after[0] - (after[1] == 0))
        lines: list[StatementLine] = []
        for _ in range(self._most_windows):
            if low > high:
                return StatementPage(lines, None)
            if query.ascending:
                first, last = low, min(high, low + self._window - 1)
                low = last + 1
            else:
                first, last = max(low, high - self._window + 1), high
                high = first - 1
            # The first block may lie before `after` with all its entries, and one entry tells of a next page.
            blocks = await self._matching(account, query, first, last, limit + 2 - len(lines))
            lines += [line for line in await self._lines(blocks, query) if _follows(line, after, query)]
            if len(lines) > limit:
                return StatementPage(lines[:limit], lines[limit - 1].position)
        if low > high:
            return StatementPage(lines, None)
        return StatementPage(lines, (low - 1, _LAST_INDEX) if query.ascending else (high + 1, 0))

    async def _matching(
        self, account: str, query: StatementQuery, first: int, last: int, most: int
    ) -> list[Document]:
        wanted: dict[str, Any] = {"account": account, "seq": {"$gte": first, "$lte": last}}
        if query.kind is not None:
            wanted["entries.kind"] = query.kind.value
        if query.since is not None:
            wanted["at"] = {"$gte": query.since}
        if query.until is not None:
            wanted["at"] = {**wanted.get("at", {}), "$lt": query.until}
        # Without the limit the server would send a second batch of all that is left.
        found = self._blocks.find(wanted).sort("seq", 1 if query.ascending else -1).limit(most)
        return await found.to_list()

    async def _lines(self, blocks: list[Document], query: StatementQuery) -> list[StatementLine]:
        """All entries of the kind asked for in these blocks, in the order asked for."""
        before = {block["seq"]: block for block in blocks}
        missing = [seq - 1 for seq in before if seq > 1 and seq - 1 not in before]
        if missing:
            query_before = {"account": blocks[0]["account"], "seq": {"$in": missing}}
            before |= {block["seq"]: block async for block in self._blocks.find(query_before, {"entries": 0})}
        lines: list[StatementLine] = []
        for block in blocks:
            found = [
                line
                for line in lines_of(block, before.get(block["seq"] - 1))
                if query.kind in (None, line.entry.kind)
            ]
            lines += found if query.ascending else found[::-1]
        return lines

    async def _bounds(self, account: str, query: StatementQuery) -> tuple[int, int]:
        """The blocks to look through: `at` grows with `seq`, but for the clocks' differences."""
        tail = await self._blocks.find_one({"account": account}, {"seq": 1}, sort=[("seq", -1)])
        low, high = 1, 0 if tail is None else int(tail["seq"])
        if query.until is not None:
            high = await self._first_at(account, low, high, query.until + CLOCKS_APART) - 1
        if query.since is not None:
            low = await self._first_at(account, low, high, query.since - CLOCKS_APART)
        return low, high

    async def _first_at(self, account: str, low: int, high: int, at: datetime) -> int:
        """By halving: the first block made at that time or later, or the one after `high`."""
        high += 1
        while low < high:
            middle = (low + high) // 2
            block = await self._blocks.find_one({"account": account, "seq": middle}, {"at": 1})
            if block is None or block["at"] >= at:
                high = middle
            else:
                low = middle + 1
        return low


def lines_of(block: Mapping[str, Any], before: Mapping[str, Any] | None) -> Iterator[StatementLine]:
    """The entries of a block, in order, each with the totals after it; `before` is the block before it."""
    balance = Balance() if before is None else balance_of(before)
    for index, document in enumerate(block["entries"]):
        entry = Entry.from_document(document)
        balance = balance.after(entry, block["at"])
        yield StatementLine((block["seq"], index), block["at"], entry, balance)


def _follows(line: StatementLine, after: Position | None, query: StatementQuery) -> bool:
    if after is None:
        return True
    return line.position > after if query.ascending else line.position < after
