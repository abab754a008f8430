"""The log of requests: written in batches, kept while the database is away, bounded in memory and in time."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI, Request

from services.api.middleware import RequestFrame
from services.api.rendering import render_errors
from services.api.request_log import LoggedRequests, LogQuery, RequestLog, note
from shared.accounts.key import KeyOwner
from shared.mongo import Database, connect
from shared.telemetry import REQUESTS_UNLOGGED
from tests.harness.ports import free_port
from tests.integration.away import close_in_vain
from tests.unit.building import StillClock

FACTS = {"status": 200, "model": "m", "key_id": "key_1"}


@pytest.fixture
def requests(database: Database, clock: StillClock) -> RequestLog:
    return RequestLog(database, clock)


@pytest_asyncio.fixture
async def absent(clock: StillClock) -> AsyncIterator[RequestLog]:
    """A log whose database does not answer."""
    client = connect(f"mongodb://127.0.0.1:{free_port()}/?serverSelectionTimeoutMS=50")
    yield RequestLog(client["nowhere"], clock, most_waiting=2)
    await close_in_vain(client)


async def test_entries_are_written_together_and_read_newest_first(requests: RequestLog) -> None:
    for number in range(3):
        requests.add("acc_1", {**FACTS, "number": number})
    assert await requests.page("acc_1", LogQuery(), 10) == []
    await requests.flush()

    assert [entry["number"] for entry in await requests.page("acc_1", LogQuery(), 2)] == [2, 1]
    assert await requests.page("acc_2", LogQuery(), 10) == []


async def test_entries_are_written_more_than_once_without_harm(
    requests: RequestLog, database: Database
) -> None:
    requests.add("acc_1", {**FACTS})
    [entry] = requests._waiting
    await database["requests"].insert_one(dict(entry))
    await requests.flush()

    assert await database["requests"].count_documents({}) == 1


async def test_entries_go_after_thirty_days(database: Database) -> None:
    indexes = await database["requests"].index_information()

    assert [index["expireAfterSeconds"] for index in indexes.values() if "expireAfterSeconds" in index] == [
        30 * 24 * 3600
    ]


async def test_with_the_database_away_entries_wait_and_too_many_are_dropped_and_counted(
    absent: RequestLog,
) -> None:
    before = REQUESTS_UNLOGGED._value.get()
    for number in range(3):
        absent.add("acc_1", {**FACTS, "number": number})
    await absent.flush()

    assert [entry["number"] for entry in absent._waiting] == [0, 1]
    assert REQUESTS_UNLOGGED._value.get() == before + 1


async def test_only_requests_of_known_keys_are_logged_also_broken_ones(requests: RequestLog) -> None:
    app = FastAPI(openapi_url=None)
    app.add_middleware(LoggedRequests, requests=requests)
    render_errors(app)

    @app.get("/api/v1/{what}")
    async def answer(request: Request, what: str) -> None:
        if what == "stranger":
            return
        request.state.owner = KeyOwner("key_1", "acc_1", suspended=False)
        note(request, model="m", credits=3)
        note(request, task_id="img_1")
        if what == "broken":
            raise LookupError

    transport = httpx.ASGITransport(RequestFrame(app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        for what in ("stranger", "broken", "good"):
            await client.get(f"/api/v1/{what}")
    await requests.flush()

    good, broken = await requests.page("acc_1", LogQuery(), 10)
    facts = ("path", "status", "model", "task_id", "credit_cost", "dialect", "method")
    assert [good[name] for name in facts] == ["/api/v1/good", 200, "m", "img_1", 3, "openai", "GET"]
    assert [broken[name] for name in facts] == ["/api/v1/broken", 500, "m", "img_1", 0, "openai", "GET"]
