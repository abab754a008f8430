"""`hatchery bench ledger`: a long ledger is made up, proved, and asked what customers ask."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import pymongo
from rich.filesize import decimal

from deploy.bench.errors import BenchError
from deploy.bench.ledger_load import Loader
from deploy.bench.ledger_proof import Mode, Proved, prove
from deploy.bench.ledger_queries import Queries
from deploy.bench.ledger_result import LedgerResult, problems_of
from deploy.bench.ledger_rows import HOT, History
from deploy.bench.machine import database_facts
from deploy.bench.pipeline import Watch
from deploy.local.mongod import Mongod
from deploy.local.ports import Ports
from deploy.local.setup import ensure_servers
from shared.clock import DatabaseClock
from shared.ledger.block import Balance, balance_of
from shared.ledger.proof.points import Points
from shared.mongo import Database, connect, ensure_indexes

SPAN: Final = timedelta(days=30)
"""The time that the history covers."""
ADDED_ROWS: Final = 10_000
BYTES_PER_ROW: Final = 600
"""On the disk while it is made, with indexes and their sorting."""
BYTES_BESIDES: Final = 2 * 10**9
"""Logs of the database and its own files."""
LIMIT_SECONDS: Final = 600.0
LIMIT_SECONDS_PER_ROW: Final = 0.0006


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure."""

    rows: int = 5_000_000

    @property
    def bytes_needed(self) -> int:
        return self.rows * BYTES_PER_ROW + BYTES_BESIDES

    @property
    def limit(self) -> timedelta:
        """After so long it is given up."""
        return timedelta(seconds=LIMIT_SECONDS + LIMIT_SECONDS_PER_ROW * self.rows)


def check_disk(options: Options, folder: Path) -> str:
    """A sentence on what it takes. Raises BenchError when there is not enough."""
    free = shutil.disk_usage(folder).free
    needs = f"{options.rows:,} rows need up to {decimal(options.bytes_needed)} below {folder}"
    if free < options.bytes_needed:
        raise BenchError(f"{needs}; {decimal(free)} are free.")
    return f"{needs} ({decimal(free)} are free) and at most {options.limit.total_seconds() / 60:.0f} minutes"


@asynccontextmanager
async def own_database(watch: Watch) -> AsyncIterator[str]:
    """The address of a MongoDB in a temporary directory, which goes with it."""
    with tempfile.TemporaryDirectory(prefix="hatchery-bench-", ignore_cleanup_errors=True) as folder:
        directory = Path(folder)
        programs = ensure_servers(lambda text: watch.phase(text, 0))
        with Ports(directory / "ports.json") as ports:
            port = ports.any()
        mongod = Mongod(programs.mongod, directory / "mongod", port, directory / "mongod.log")
        await mongod.start()
        try:
            yield mongod.url
        finally:
            await mongod.kill()


class LedgerBench:
    """One measurement in a database of its own."""

    def __init__(self, url: str, name: str, options: Options, watch: Watch) -> None:
        self._url = url
        self._name = name
        self._options = options
        self._watch = watch
        self._clock = DatabaseClock()

    async def run(self) -> LedgerResult:
        """Raises BenchError; a result with problems is a result."""
        limit = self._options.limit.total_seconds()
        async with connect(self._url) as client:
            try:
                async with asyncio.timeout(limit):
                    await self._clock.read(client)
                    # No shorter one for single calls: while rows are stored, the disk is busy for long.
                    with pymongo.timeout(limit):
                        return await self._measure(client[self._name])
            except TimeoutError:
                raise BenchError("It takes too long on this machine: try fewer --rows.") from None
            finally:
                await client.drop_database(self._name)

    async def _measure(self, database: Database) -> LedgerResult:
        began, now = time.monotonic(), self._clock.now()
        history = History(now - SPAN)
        self._watch.phase("storing rows", self._options.rows)
        loader = Loader(database, self._watch.finished)
        rows = await loader.load(history, self._options.rows, now - timedelta(hours=1))
        loaded = time.monotonic()
        self._watch.phase("making indexes", 0)
        await ensure_indexes(database)
        indexed = time.monotonic()
        stored = await self._count(database)
        whole = await self._prove("whole verification", "whole", stored["tasks"] + rows)
        await self._set_points(database, history)
        added = await loader.load(history, ADDED_ROWS, self._clock.now() - timedelta(minutes=2))
        incremental = await self._prove("verification since the last time", "since", added)
        self._watch.phase("queries", 0)
        queries = Queries(self._url, self._name, self._clock, history.accounts)
        fold_seconds = await queries.fold_usage()
        measured = await queries.run()
        return LedgerResult(
            rows=rows,
            blocks=stored["blocks"],
            tasks=stored["tasks"],
            accounts=len(history.accounts),
            hot_rows=stored["hot_rows"],
            load_seconds=round(loaded - began, 1),
            index_seconds=round(indexed - loaded, 1),
            data_mib=round(stored["bytes"] / 2**20, 1),
            whole=whole,
            whole_rows_per_second=round(whole.entries / whole.seconds, 1),
            added_rows=added,
            incremental=incremental,
            fold_seconds=fold_seconds,
            queries=measured,
            problems=problems_of(whole, incremental, added, measured),
            machine=await database_facts(database),
        )

    async def _prove(self, phase: str, mode: Mode, rows: int) -> Proved:
        self._watch.phase(phase, rows)
        return await prove(self._url, self._name, mode, self._watch.finished)

    async def _count(self, database: Database) -> dict[str, int]:
        stats = await database.command("dbStats")
        rows = await database["ledger"].aggregate(
            [{"$match": {"account": HOT}}, {"$group": {"_id": None, "rows": {"$sum": {"$size": "$entries"}}}}]
        )
        (hot,) = await rows.to_list()
        return {
            "blocks": await database["ledger"].estimated_document_count(),
            "tasks": await database["tasks"].estimated_document_count(),
            "hot_rows": hot["rows"],
            "bytes": int(stats["storageSize"] + stats["indexSize"]),
        }

    async def _set_points(self, database: Database, history: History) -> None:
        """As a verification of everything so far would leave them."""
        points = Points(database)
        for account in history.accounts:
            tail = await database["ledger"].find_one({"account": account}, sort=[("seq", -1)])
            if tail is not None:
                await points.move(account, Balance(), balance_of(tail), [])
