"""Storing a made-up history as fast as it goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from pymongo.write_concern import WriteConcern

from deploy.bench.ledger_rows import History
from shared.mongo import Database, Document

BLOCKS_AT_ONCE: Final = 500
TASKS_AT_ONCE: Final = 5000
ON_THEIR_WAY: Final = 4


class Loader:
    """Several inserts are on their way while the next ones are made."""

    def __init__(self, database: Database, tell: Callable[[int], None]) -> None:
        fast = WriteConcern(w=1, j=False)
        self._ledger = database.get_collection("ledger", write_concern=fast)
        self._tasks = database.get_collection("tasks", write_concern=fast)
        self._tell = tell
        self._sent: set[asyncio.Task[None]] = set()

    async def load(self, history: History, rows: int, until: datetime) -> int:
        """Store a part of the history; gives the number of its entries."""
        stored, blocks = 0, list[Document]()
        for block in history.blocks(rows, until):
            blocks.append(block)
            stored += len(block["entries"])
            if len(blocks) == BLOCKS_AT_ONCE:
                await self._send(blocks, history)
                blocks = []
                self._tell(stored)
        await self._send(blocks, history)
        await self._send_tasks(history)
        await self._arrived(0)
        self._tell(stored)
        return stored

    async def _send(self, blocks: list[Document], history: History) -> None:
        if blocks:
            await self._insert("ledger", blocks)
        if len(history.tasks) >= TASKS_AT_ONCE:
            await self._send_tasks(history)

    async def _send_tasks(self, history: History) -> None:
        if history.tasks:
            tasks, history.tasks = history.tasks, []
            await self._insert("tasks", tasks)

    async def _insert(self, name: str, documents: list[Document]) -> None:
        await self._arrived(ON_THEIR_WAY - 1)
        self._sent.add(asyncio.create_task(self._store(name, documents)))

    async def _store(self, name: str, documents: list[Document]) -> None:
        collection = self._ledger if name == "ledger" else self._tasks
        await collection.insert_many(documents, ordered=False)

    async def _arrived(self, but_for: int) -> None:
        """Wait until no more than so many are on their way. Raises what an insert raised."""
        while len(self._sent) > but_for:
            done, self._sent = await asyncio.wait(self._sent, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
