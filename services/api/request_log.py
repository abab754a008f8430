"""Which requests an account has made: noted as they end, written in batches, kept for thirty days."""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from fastapi import Request
from pymongo import WriteConcern
from pymongo.errors import BulkWriteError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.dialects.paths import dialect_of
from shared.accounts.key import KeyOwner
from shared.clock import Clock
from shared.ids import Prefix, new_id
from shared.mongo import Database, Document, duplicates, is_unavailable
from shared.telemetry import REQUESTS_UNLOGGED
from shared.waiting import cancel

log = structlog.get_logger()

WRITE_EVERY_SECONDS: Final = 1.0
MOST_WAITING: Final = 20_000
"""Entries in memory while the database is away; the newest are dropped beyond that."""
MOST_IN_A_BATCH: Final = 1_000
CLIENT_GONE: Final = 499
"""In place of a status: the client went away before there was one."""
_MOST_PATH: Final = 200
_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e]")


@dataclass(frozen=True, slots=True)
class LogQuery:
    """What to look for; None matches anything."""

    before: str | None = None
    """The id of an entry: only older ones."""
    model: str | None = None
    key_id: str | None = None
    status: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Times are of the end of a request: from `since`, before `until`."""


class RequestLog:
    """The `requests` collection. Taking an entry never waits."""

    def __init__(self, database: Database, clock: Clock, most_waiting: int = MOST_WAITING) -> None:
        # Losing the last second of the log in a fail-over does no harm.
        self._requests = database.get_collection("requests", write_concern=WriteConcern(w=1, j=False))
        self._clock = clock
        self._most_waiting = most_waiting
        self._waiting: deque[Document] = deque()

    def add(self, account_id: str, facts: dict[str, Any]) -> None:
        """One request that has ended."""
        if len(self._waiting) >= self._most_waiting:
            REQUESTS_UNLOGGED.inc()
            return
        self._waiting.append(
            {"_id": new_id(Prefix.LOG), "account_id": account_id, "at": self._clock.now(), **facts}
        )

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await asyncio.sleep(WRITE_EVERY_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Write what waits, as far as the database takes it."""
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(MOST_IN_A_BATCH, len(self._waiting)))]
            try:
                await self._insert(batch)
            except Exception as error:
                if is_unavailable(error):
                    self._waiting.extendleft(reversed(batch))
                    log.warning("requests not logged yet", entries=len(self._waiting))
                    return
                REQUESTS_UNLOGGED.inc(len(batch))
                log.exception("requests not logged", entries=len(batch))

    async def _insert(self, batch: list[Document]) -> None:
        try:
            await self._requests.insert_many(batch, ordered=False)
        except BulkWriteError as error:
            # Written by an earlier try whose answer was lost.
            duplicates(error)

    async def page(self, account_id: str, wanted: LogQuery, limit: int) -> list[Document]:
        """Newest first."""
        found = {"model": wanted.model, "key_id": wanted.key_id, "status": wanted.status}
        query: Document = {name: value for name, value in found.items() if value is not None}
        query["account_id"] = account_id
        if wanted.before is not None:
            query["_id"] = {"$lt": wanted.before}
        times = {"$gte": wanted.since, "$lt": wanted.until}
        if any(times.values()):
            query["at"] = {name: at for name, at in times.items() if at is not None}
        return await self._requests.find(query).sort("_id", -1).limit(limit).to_list()


@asynccontextmanager
async def request_log(database: Database, clock: Clock) -> AsyncIterator[RequestLog]:
    """A log that is written while the block runs, and once more at its end."""
    requests = RequestLog(database, clock)
    writing = asyncio.create_task(requests.run(), name="api:request-log")
    try:
        yield requests
    finally:
        await cancel(writing)
        await requests.flush()


def note(request: Request, **facts: Any) -> None:
    """What only an endpoint knows: `model`, `task_id`, `credits`; later notes win."""
    request.state.noted = {**getattr(request.state, "noted", {}), **facts}


class LoggedRequests:
    """A layer around the app that adds every request of a known key to the log. Pure ASGI."""

    def __init__(self, app: ASGIApp, requests: RequestLog) -> None:
        self._app = app
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), CLIENT_GONE

        async def send_watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_watched)
        except Exception:
            status = 500
            raise
        finally:
            owner = scope.get("state", {}).get("owner")
            if owner is not None:
                self._requests.add(
                    owner.account_id, _facts(scope, owner, status, time.perf_counter() - began)
                )


def _facts(scope: Scope, owner: KeyOwner, status: int, seconds: float) -> dict[str, Any]:
    state, path = scope["state"], scope["path"]
    noted = state.get("noted", {})
    return {
        "request_id": state["request_id"],
        "key_id": owner.key_id,
        "dialect": dialect_of(path),
        "method": scope["method"],
        "path": _UNPRINTABLE.sub("?", path)[:_MOST_PATH],
        "status": status,
        "latency_ms": round(seconds * 1000),
        "model": noted.get("model"),
        "task_id": noted.get("task_id"),
        "credit_cost": noted.get("credits", 0) if status < 400 else 0,
    }
