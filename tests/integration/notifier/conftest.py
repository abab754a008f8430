"""A real MongoDB for the notifier's tests, and a notifier on it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from deploy.local.servers import Servers
from shared.ids import Prefix, new_id
from shared.mongo import Database, connect, ensure_indexes
from tests.integration.notifier.rig import Rig, open_rig


@pytest_asyncio.fixture(scope="session")
async def mongo_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    servers = Servers(tmp_path_factory.mktemp("servers"))
    await servers.start_mongod()
    async with connect(servers.mongo_url) as client:
        # The tests' clocks stand in the past: what ends there would be too old to be kept.
        await client.admin.command("setParameter", 1, ttlMonitorEnabled=False)
    yield servers.mongo_url
    await servers.kill()


@pytest_asyncio.fixture
async def database(mongo_url: str) -> AsyncIterator[Database]:
    async with connect(mongo_url) as client:
        database = client[new_id(Prefix.OWNER)]
        await ensure_indexes(database)
        yield database
        await client.drop_database(database.name)


@pytest_asyncio.fixture
async def rig(database: Database) -> AsyncIterator[Rig]:
    async with open_rig(database) as rig:
        yield rig
