"""Servers, simulator and stack that tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local.servers import Servers
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack


@pytest_asyncio.fixture(scope="session")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    """MongoDB, RabbitMQ and S3, for every test of the run."""
    async with Servers(tmp_path_factory.mktemp("servers")) as running:
        yield running


@pytest_asyncio.fixture(scope="session")
async def simulator_process(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    simulator = Simulator(tmp_path_factory.mktemp("simulator") / "simulator.log")
    await simulator.start()
    yield simulator
    await simulator.close()


@pytest_asyncio.fixture
async def simulator(simulator_process: Simulator) -> AsyncIterator[Simulator]:
    """The providers that are not there; rules end with the test."""
    yield simulator_process
    await simulator_process.clear_rules()


@pytest_asyncio.fixture(scope="session")
async def session_stack(
    servers: Servers, simulator_process: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    stack = Stack(servers, simulator_process.url, tmp_path_factory.mktemp("stack"))
    await stack.open()
    await stack.start()
    yield stack
    await stack.close()


@pytest.fixture
def stack(session_stack: Stack) -> Stack:
    """All five services, one process each, shared by tests that do them no harm."""
    return session_stack


@pytest_asyncio.fixture
async def own_stack(servers: Servers, simulator: Simulator, tmp_path: Path) -> AsyncIterator[Stack]:
    """A stack with nothing started, for tests that break things."""
    stack = Stack(servers, simulator.url, tmp_path)
    await stack.open()
    yield stack
    await stack.close()
