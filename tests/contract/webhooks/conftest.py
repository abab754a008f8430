from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from deploy.local.servers import Servers
from shared.ids import Prefix, new_id
from shared.mongo import Database, connect, ensure_indexes
from tests.contract.webhooks.cases import LONG_AGO, Case, delivered, spoilt

VARIABLE = "HATCHERY_TEST_WEBHOOKS_NODE"
"""Names the folder of the installed packages."""

collect_ignore_glob = [] if os.environ.get(VARIABLE) else ["test_npm_*.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not os.environ.get(VARIABLE):
        terminalreporter.write_line(
            f"tests/contract/webhooks/test_npm_package.py was left out: {VARIABLE} is not set "
            "(make webhooks-node)"
        )


@pytest_asyncio.fixture(scope="session")
async def webhook_database(servers: Servers) -> AsyncIterator[Database]:
    async with connect(servers.mongo_url) as client:
        database = client[new_id(Prefix.OWNER)]
        await ensure_indexes(database)
        yield database
        await client.drop_database(database.name)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def deliveries(webhook_database: Database) -> list[Case]:
    """What a real notifier posted just now."""
    return await delivered(webhook_database)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cases(deliveries: list[Case], webhook_database: Database) -> list[Case]:
    """Those, spoilt ones, and old ones. Aigenway's signature covers no time and fits for ever."""
    old = [
        replace(case, name=f"{case.name}, old", fits=case.scheme == "aigenway")
        for case in await delivered(webhook_database, LONG_AGO)
    ]
    early = [
        replace(case, name=f"{case.name}, early", fits=case.scheme == "aigenway")
        for case in await delivered(webhook_database, -LONG_AGO)
    ]
    return [*deliveries, *(bad for case in deliveries for bad in spoilt(case)), *old, *early]
