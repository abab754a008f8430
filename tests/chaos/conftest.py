"""Servers that chaos tests may kill, and a stack on them that notices quickly."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local.servers import Servers
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

IMPATIENT = {
    "HATCHERY_WORKER_LEASE_SECONDS": "4",
    "HATCHERY_NOTIFIER_LEASE_SECONDS": "16",
    "HATCHERY_AUDIT_EVERY_SECONDS": "1",
    "HATCHERY_INTERRUPTED_AFTER_SECONDS": "3",
}


@pytest_asyncio.fixture(scope="session")
async def fragile_servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    """Servers of the chaos tests' own."""
    async with Servers(tmp_path_factory.mktemp("fragile")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", name="lasting_stack")
async def _lasting_stack(
    fragile_servers: Servers, simulator_process: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    """Like `fragile_stack`, for a module's tests that put back what they break."""
    stack = Stack(fragile_servers, simulator_process.url, tmp_path_factory.mktemp("lasting"), IMPATIENT)
    await stack.open()
    await stack.start()
    yield stack
    await stack.close()


@pytest_asyncio.fixture
async def fragile_stack(
    fragile_servers: Servers, simulator: Simulator, tmp_path: Path
) -> AsyncIterator[Stack]:
    """All five services; whatever is done to them, and to the servers, stays here."""
    stack = Stack(fragile_servers, simulator.url, tmp_path, IMPATIENT)
    await stack.open()
    await stack.start()
    yield stack
    await stack.close()
