"""Appending to the chains: one insert per account and group, decided by unique indexes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pymongo import ASCENDING, DESCENDING
from pymongo.errors import BulkWriteError

from shared.clock import Clock
from shared.errors import HatcheryError
from shared.ledger.block import Balance, Block, balance_of, make_block
from shared.ledger.entry import Entry
from shared.mongo import Database, Document, duplicates


@dataclass(frozen=True, slots=True)
class Applied:
    """The entry is in the chain; `now` tells whether this call put it there."""

    entry: Entry
    now: bool


Outcome = Applied | HatcheryError
PAGE: Final = 500
"""Blocks that are read at a time."""
_TOTALS: Final = ("seq", "available", "held", "spent", "owed", "caps")


class Ledger:
    """The `ledger` collection: one append-only chain of blocks per account.

    Unique `(account, seq)` makes an append a compare-and-set; unique `entries.op` makes every act happen
    once.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._blocks = database["ledger"]
        self._clock = clock

    async def balances(self, accounts: Iterable[str]) -> dict[str, Balance]:
        """The tails of the chains; an account without a chain has an empty balance."""
        wanted = list(accounts)
        balances = dict.fromkeys(wanted, Balance())
        if len(wanted) == 1:
            tail = await self.tail(wanted[0])
            if tail is not None:
                balances[wanted[0]] = balance_of(tail)
            return balances
        cursor = await self._blocks.aggregate(
            [
                {"$match": {"account": {"$in": wanted}}},
                {"$sort": {"account": -1, "seq": -1}},
                {"$group": {"_id": "$account", "tail": {"$first": {name: f"${name}" for name in _TOTALS}}}},
            ]
        )
        async for tail in cursor:
            balances[tail["_id"]] = balance_of(tail["tail"])
        return balances

    async def tail(self, account: str) -> Document | None:
        """The last block of a chain; None of an empty one."""
        return await self._blocks.find_one({"account": account}, sort=[("seq", -1)])

    async def append(self, wanted: Mapping[str, Sequence[Entry]]) -> dict[str, Outcome]:
        """Append each account's entries as one block; gives an outcome per `op`.

        Entries that do not fit are refused one by one, in order, against the balance at that moment. An entry
        whose `op` is in the chain already gives the stored one.
        """
        outcomes: dict[str, Outcome] = {}
        open_entries = {account: list(entries) for account, entries in wanted.items() if entries}
        conflicts = 0
        while open_entries:
            tails = await self.balances(open_entries)
            blocks = self._make_blocks(open_entries, tails, outcomes)
            await self._find_refused(outcomes)
            conflicted = await self._insert(blocks)
            for block in blocks:
                if block.account not in conflicted:
                    outcomes.update({entry.op: Applied(entry, now=True) for entry in block.entries})
            if not conflicted:
                break
            # All of them anew: what was refused may have been crowded out by an act that is in the chain.
            rest = {account: open_entries[account] for account in conflicted}
            open_entries = await self._without_stored(rest, outcomes)
            conflicts += 1
            await asyncio.sleep(random.uniform(0, 0.001 * min(conflicts, 20)))
        return outcomes

    def _make_blocks(
        self,
        wanted: Mapping[str, Sequence[Entry]],
        tails: Mapping[str, Balance],
        outcomes: dict[str, Outcome],
    ) -> list[Block]:
        blocks, now = [], self._clock.now()
        for account, entries in wanted.items():
            block, refused = make_block(account, tails[account], entries, now)
            outcomes.update(refused)
            if block is not None:
                blocks.append(block)
        return blocks

    async def _find_refused(self, outcomes: dict[str, Outcome]) -> None:
        """An entry may not fit because it is in the chain already: then it is no refusal."""
        refused = [op for op, outcome in outcomes.items() if not isinstance(outcome, Applied)]
        if refused:
            stored = await self.find(refused)
            outcomes.update({op: Applied(entry, now=False) for op, entry in stored.items()})

    async def _insert(self, blocks: Sequence[Block]) -> set[str]:
        """Insert the blocks; gives the accounts whose block met another one with the same seq or op."""
        if not blocks:
            return set()
        try:
            await self._blocks.insert_many([block.to_document() for block in blocks], ordered=False)
        except BulkWriteError as error:
            return {blocks[duplicate["index"]].account for duplicate in duplicates(error)}
        return set()

    async def _without_stored(
        self, rest: Mapping[str, Sequence[Entry]], outcomes: dict[str, Outcome]
    ) -> dict[str, list[Entry]]:
        """The entries still to append, without those that are in a chain already."""
        stored = await self.find(entry.op for entries in rest.values() for entry in entries)
        outcomes.update({op: Applied(entry, now=False) for op, entry in stored.items()})
        remaining = {
            account: [entry for entry in entries if entry.op not in stored]
            for account, entries in rest.items()
        }
        return {account: entries for account, entries in remaining.items() if entries}

    async def find(self, ops: Iterable[str]) -> dict[str, Entry]:
        """The stored entries with these ops."""
        wanted = set(ops)
        found = {}
        async for block in self._blocks.find({"entries.op": {"$in": list(wanted)}}):
            for document in block["entries"]:
                if document["op"] in wanted:
                    found[document["op"]] = Entry.from_document(document)
        return found

    async def blocks(self, account: str, after_seq: int = 0) -> AsyncIterator[Document]:
        """An account's blocks in order, a page at a time: no query lasts as long as its reader."""
        while page := await self._page({"account": account, "seq": {"$gt": after_seq}}, ASCENDING):
            for block in page:
                yield block
            after_seq = page[-1]["seq"]

    async def blocks_backwards(self, account: str, from_seq: int) -> AsyncIterator[Document]:
        """An account's blocks up to one, the last one first, likewise."""
        while page := await self._page({"account": account, "seq": {"$lte": from_seq}}, DESCENDING):
            for block in page:
                yield block
            from_seq = page[-1]["seq"] - 1

    async def _page(self, query: Document, order: int) -> list[Document]:
        return await self._blocks.find(query).sort("seq", order).limit(PAGE).to_list()
