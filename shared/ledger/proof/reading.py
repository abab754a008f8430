"""Reading the books in the order of their indexes, a little at a time, however many they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Any, Final

from bson import MaxKey, MinKey, decode_iter
from pymongo.asynchronous.collection import AsyncCollection

from shared.ledger.entry import Entry
from shared.ledger.proof.acts import OpenHold, Placed
from shared.mongo import Database, Document

CHUNK: Final = 1000
PAGE: Final = 10_000
"""Blocks of one query: each ends before a limit of time, and is asked again when a server is lost."""
BATCH: Final = 500
ORDER: Final = [("account", 1), ("seq", 1)]
_TASK_FIELDS: Final = dict.fromkeys(
    ("account_id", "state", "cost_nano", "deadline_at", "completed_at", "coupon"), 1
)


class Books:
    """The ledger and what it is held against."""

    def __init__(self, database: Database) -> None:
        self._ledger = database["ledger"]
        self._tasks = database["tasks"]
        self._topups = database["topups"]

    async def blocks(self, chain: str | None = None, after_seq: int = 0) -> AsyncIterator[Document]:
        """All blocks by chain and seq, or those of one chain; decoded one by one."""
        place: tuple[Any, Any] = (MinKey(), MinKey()) if chain is None else (chain, after_seq)
        last_key: Any = MaxKey()
        end: Any = last_key if chain is None else chain
        while True:
            cursor = self._ledger.find_raw_batches(sort=ORDER, hint=ORDER, limit=PAGE, batch_size=BATCH)
            cursor = cursor.min([("account", place[0]), ("seq", place[1])])
            cursor = cursor.max([("account", end), ("seq", last_key)])
            came, last = 0, place
            async for batch in cursor:
                for block in _decoded(batch, self._ledger):
                    came += 1
                    last = (block.get("account"), block.get("seq"))
                    # The page begins with the last block of the one before.
                    if last != place:
                        yield block
            if came < PAGE:
                return
            place = last

    async def tails(self) -> dict[str, int]:
        """The `seq` of every chain's last block."""
        cursor = await self._ledger.aggregate(
            [
                {"$sort": {"account": -1, "seq": -1}},
                {"$group": {"_id": "$account", "seq": {"$first": "$seq"}}},
            ]
        )
        return {tail["_id"]: tail["seq"] async for tail in cursor}

    async def tail(self, chain: str) -> int:
        """The `seq` of one chain's last block, 0 without any."""
        last = await self._ledger.find_one({"account": chain}, {"seq": 1}, sort=[("seq", -1)])
        return 0 if last is None else int(last["seq"])

    async def entries(self, ops: Iterable[str]) -> dict[str, Placed]:
        """The entries with these ops, and where they stand."""
        wanted, found = set(ops), dict[str, Placed]()
        if not wanted:
            return found
        ordered = sorted(wanted)
        for start in range(0, len(ordered), CHUNK):
            query = {"entries.op": {"$in": ordered[start : start + CHUNK]}}
            cursor = self._ledger.find_raw_batches(
                query, {"account": 1, "at": 1, "entries": 1}, batch_size=BATCH
            )
            async for batch in cursor:
                for block in _decoded(batch, self._ledger):
                    for document in block["entries"]:
                        if (op := document["op"]) in wanted:
                            entry = Entry.from_document(document)
                            found[op] = Placed(block["account"], block["at"], entry)
        return found

    async def ended(self, holds: Sequence[OpenHold]) -> set[str]:
        """Which of these holds, by `op`, have an end by now."""
        ends = await self.entries(hold.end_op for hold in holds)
        return {hold.op for hold in holds if hold.end_op in ends}

    async def tasks_of(self, task_ids: Iterable[str]) -> dict[str, Document]:
        """The tasks with these ids."""
        wanted, found = sorted(set(task_ids)), dict[str, Document]()
        for start in range(0, len(wanted), CHUNK):
            query = {"_id": {"$in": wanted[start : start + CHUNK]}}
            found |= {task["_id"]: task async for task in self._tasks.find(query, _TASK_FIELDS)}
        return found

    async def all_tasks(self, account: str | None = None) -> AsyncIterator[list[Document]]:
        """All tasks, or an account's, a thousand at a time."""
        if account is None:
            async for page in self._task_pages({}, 1):
                yield page
            return
        for dialect in await self._tasks.distinct("dialect", {"account_id": account}):
            async for page in self._task_pages({"account_id": account, "dialect": dialect}, -1):
                yield page

    async def _task_pages(self, query: Document, direction: int) -> AsyncIterator[list[Document]]:
        further = "$gt" if direction == 1 else "$lt"
        last: Any = MinKey() if direction == 1 else MaxKey()
        while True:
            cursor = self._tasks.find_raw_batches(
                {**query, "_id": {further: last}}, _TASK_FIELDS, sort=[("_id", direction)], limit=CHUNK
            )
            page = [task async for batch in cursor for task in _decoded(batch, self._tasks)]
            if page:
                yield page
                last = page[-1]["_id"]
            if len(page) < CHUNK:
                return

    async def topups_of(self, topup_ids: Iterable[str]) -> dict[str, Document]:
        """The top-ups with these ids."""
        query = {"_id": {"$in": list(topup_ids)}}
        cursor = self._topups.find(query, {"account_id": 1, "acts": 1})
        return {topup["_id"]: topup async for topup in cursor}

    async def all_topups(self) -> AsyncIterator[list[Document]]:
        """All top-ups, a thousand at a time."""
        last: Any = MinKey()
        while True:
            cursor = self._topups.find({"_id": {"$gt": last}}, {"account_id": 1, "acts": 1})
            page = await cursor.sort("_id", 1).limit(CHUNK).to_list()
            if page:
                yield page
                last = page[-1]["_id"]
            if len(page) < CHUNK:
                return


def _decoded(batch: Any, collection: AsyncCollection[Document]) -> Iterator[Document]:
    """The documents of a raw batch, one by one."""
    return decode_iter(batch, collection.codec_options)
