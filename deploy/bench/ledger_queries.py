"""What customers and services ask of a long ledger: how long it takes, and by which index."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from pydantic import BaseModel
from pymongo import AsyncMongoClient

from deploy.bench.ledger_rows import HOT, PRICE_NANO
from deploy.bench.plans import Plan, Recorder, explain
from deploy.bench.quantiles import Quantiles, quantiles
from shared.clock import Clock
from shared.ids import Prefix, new_id
from shared.killpoints import KillPoints
from shared.ledger.chain import Ledger
from shared.ledger.entry import hold
from shared.ledger.proof.reading import Books
from shared.ledger.statement import StatementQuery, Statements
from shared.ledger.usage import UsageFold
from shared.mongo import Document

TIMES: Final = 30
PAGE: Final = 100
LARGEST_ENTRY: Final = 999


class Query(BaseModel):
    """One question, asked several times."""

    name: str
    ms: Quantiles
    plans: list[Plan]

    @property
    def scans_all(self) -> bool:
        return any(plan.scans_all for plan in self.plans)


class Queries:
    """All of them on the hot account, whose chain is the longest."""

    def __init__(self, url: str, database: str, clock: Clock, accounts: list[str]) -> None:
        self._recorder = Recorder()
        self._client: AsyncMongoClient[Document] = AsyncMongoClient(
            url, tz_aware=True, w="majority", journal=True, event_listeners=[self._recorder]
        )
        self._database = self._client[database]
        self._accounts = accounts
        self._ledger = Ledger(self._database, clock)
        self._fold = UsageFold(self._database, self._ledger, KillPoints())

    async def run(self) -> list[Query]:
        """Times in milliseconds, and the plans of every query that was sent."""
        async with self._client:
            return [await self._measure(name, ask) for name, ask in (await self._asked()).items()]

    async def fold_usage(self) -> float:
        """Seconds that the usage of all accounts takes to be folded for the first time."""
        began = time.monotonic()
        for account in self._accounts:
            await self._fold.catch_up(account)
        self._recorder.take()
        return round(time.monotonic() - began, 1)

    async def _asked(self) -> dict[str, Callable[[], Awaitable[Any]]]:
        statements, query = Statements(self._database), StatementQuery()
        tail = (await self._ledger.balances([HOT]))[HOT].seq
        middle, first = (tail // 2, LARGEST_ENTRY), (20, 0)
        op = new_id(Prefix.EGGAPI_TASK)
        return {
            "balance": lambda: self._ledger.balances([HOT]),
            f"balances of {len(self._accounts)} accounts": lambda: self._ledger.balances(self._accounts),
            "statement, newest page": lambda: statements.page(HOT, query, PAGE),
            "statement, page in the middle": lambda: statements.page(HOT, query, PAGE, middle),
            "statement, oldest page": lambda: statements.page(HOT, query, PAGE, first),
            "usage summary": lambda: self._fold.summary(HOT),
            "an entry by its op": lambda: self._ledger.find([f"hold:{op}"]),
            "tails of all chains": Books(self._database).tails,
            "hold": self._hold,
        }

    async def _hold(self) -> None:
        task_id = new_id(Prefix.EGGAPI_TASK)
        await self._ledger.append({HOT: [hold(task_id, PRICE_NANO, "nanobanana", "key_0")]})

    async def _measure(self, name: str, ask: Callable[[], Awaitable[Any]]) -> Query:
        await ask()
        self._recorder.take()
        times = []
        for _ in range(TIMES):
            began = time.perf_counter()
            await ask()
            times.append((time.perf_counter() - began) * 1000)
        commands = self._recorder.take()
        plans = [await explain(self._database, command) for command in commands]
        return Query(name=name, ms=quantiles(times), plans=plans)
