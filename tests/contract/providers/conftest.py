from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.contract.providers.simulator import Simulator, simulator


@pytest_asyncio.fixture(scope="session")
async def running_simulator() -> AsyncIterator[Simulator]:
    async with simulator() as running:
        yield running


@pytest_asyncio.fixture
async def sim(running_simulator: Simulator) -> AsyncIterator[Simulator]:
    await running_simulator.clear()
    yield running_simulator
    await running_simulator.clear()
