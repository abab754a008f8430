from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.contract.simulator.callers import Fal, Replicate
from tests.contract.simulator.kie_caller import Kie
from tests.contract.simulator.process import running_simulator


@pytest.fixture(scope="session")
def simulator() -> Iterator[str]:
    """URL of a simulator that all tests share."""
    with running_simulator() as (url, _):
        yield url


@pytest.fixture
async def sim(simulator: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the shared simulator, which has no rules and no jobs before and after."""
    async with httpx.AsyncClient(base_url=simulator, timeout=10) as client:
        await _reset(client)
        yield client
        await _reset(client)


async def _reset(client: httpx.AsyncClient) -> None:
    for path in ("/_sim/rules", "/_sim/jobs"):
        assert (await client.delete(path)).status_code == 204


@pytest.fixture
def fal(sim: httpx.AsyncClient) -> Fal:
    return Fal(sim)


@pytest.fixture
def replicate_api(sim: httpx.AsyncClient) -> Replicate:
    return Replicate(sim)


@pytest.fixture
def kie(sim: httpx.AsyncClient) -> Kie:
    return Kie(sim)
