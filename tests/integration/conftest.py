"""Servers shared by all, an empty database or a vhost for each test."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import pytest
import pytest_asyncio

from deploy.local.servers import Servers
from shared.bus.publisher import Publisher
from shared.killpoints import KillPoints
from shared.ledger.chain import Ledger
from shared.mongo import Database, connect, ensure_indexes
from shared.tasks.lifecycle import Role
from shared.tasks.mover import Mover
from shared.tasks.service import TaskTools
from shared.tasks.store import TaskStore
from shared.waiting import cancel
from tests.integration.broker import Vhost
from tests.unit.building import StillClock

Eventually = Callable[[Callable[[], Awaitable[bool] | bool]], Awaitable[None]]
ToolsOf = Callable[[Role], TaskTools]
Start = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture(scope="session")
def database_name() -> str:
    """One for all tests: mongod keeps the files of dropped ones open, and soon has too many."""
    return f"i{uuid.uuid4().hex[:12]}"


@pytest_asyncio.fixture
async def database(servers: Servers, database_name: str) -> AsyncIterator[Database]:
    """An empty database with its indexes."""
    client = connect(servers.mongo_url)
    # The tests' clocks stand in the past: what happens there would be too old to be kept.
    await client.admin.command("setParameter", 1, ttlMonitorEnabled=False)
    database = client[database_name]
    await ensure_indexes(database)
    await database.drop_collection("system.profile")
    for name in await database.list_collection_names():
        await database[name].delete_many({})
    yield database
    await client.close()


@pytest.fixture
def ledger(database: Database, clock: StillClock) -> Ledger:
    return Ledger(database, clock)


@pytest.fixture
def tools_of(database: Database, clock: StillClock) -> ToolsOf:
    """A service's hands on the tasks, with no broker: every event is lost."""

    def build(role: Role) -> TaskTools:
        store = TaskStore(database, clock, role)
        return TaskTools(store, Mover(store, Publisher("amqp://127.0.0.1:1/", "test"), role, KillPoints()))

    return build


@pytest_asyncio.fixture
async def vhost(servers: Servers) -> AsyncIterator[Vhost]:
    """A part of the broker that nobody else uses."""
    name = f"i{uuid.uuid4().hex[:12]}"
    url = urlunsplit(urlsplit(servers.amqp_url)._replace(path=f"/{name}"))
    async with aiohttp.ClientSession() as session:
        place = Vhost(name, url, servers.amqp_management_url, session)
        await place.create()
        yield place
        await place.delete()


@pytest_asyncio.fixture
async def running() -> AsyncIterator[Start]:
    """Starts coroutines that run until the test is over."""
    tasks: list[asyncio.Task[None]] = []

    def start(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        tasks.append(asyncio.create_task(work))
        return tasks[-1]

    yield start
    await cancel(*tasks)


@pytest.fixture
def eventually() -> Eventually:
    """Waits until something has become true."""

    async def wait(condition: Callable[[], Awaitable[bool] | bool]) -> None:
        async with asyncio.timeout(60):
            while True:
                outcome = condition()
                if await outcome if isinstance(outcome, Awaitable) else outcome:
                    return
                await asyncio.sleep(0.02)

    return wait
