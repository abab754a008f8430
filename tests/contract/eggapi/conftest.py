"""An api as customers meet it, for what a developer's own machine is more lenient about."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from deploy.local.servers import Servers
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

SETTINGS = {"HATCHERY_LOCAL_DEVELOPMENT": "false", "HATCHERY_PUBLIC_URL": "https://hatchery.example.org"}


@pytest_asyncio.fixture(scope="session")
async def production_stack(
    servers: Servers, simulator_process: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    """Only an api, and nothing that would carry out its tasks."""
    stack = Stack(servers, simulator_process.url, tmp_path_factory.mktemp("production"), SETTINGS)
    await stack.open()
    await stack.start("api")
    yield stack
    await stack.close()
