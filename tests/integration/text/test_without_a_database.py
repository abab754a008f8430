"""The database goes away while clients wait for answers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.catalog.model import BreakerSettings
from shared.mongo import Database, connect
from tests.harness.ports import free_port
from tests.integration.text.rig import Rig


@pytest_asyncio.fixture
async def nowhere() -> AsyncIterator[Database]:
    """A database that nobody serves."""
    client = connect(f"mongodb://127.0.0.1:{free_port()}/?directConnection=true")
    yield client["nowhere"]
    await client.close()


@pytest.mark.parametrize("mode", ["chat", "stream"])
async def test_a_call_is_answered_without_a_database(rig: Rig, nowhere: Database, mode: str) -> None:
    await rig.rules({"provider": "gemini", "then": {"fault": "http_500"}})

    told = await rig.ask(rig.process("gemini", "openai", database=nowhere), mode)

    assert told.text == rig.whole
    assert rig.reached == ["gemini", "openai"]


async def test_what_a_process_learns_counts_without_a_database(rig: Rig, nowhere: Database) -> None:
    await rig.rules(
        {"provider": "gemini", "then": {"fault": "http_429", "retry_after": 600}},
        {"provider": "openai", "then": {"fault": "http_500"}},
    )
    breaker = BreakerSettings(failures=1, rest_seconds=600)
    calls = rig.process("gemini", "openai", "openrouter", database=nowhere, breaker=breaker)

    for _ in range(2):
        assert (await rig.ask(calls)).text == rig.whole

    assert rig.reached == ["gemini", "openai", "openrouter", "openrouter"]


async def test_a_route_is_probed_without_a_database(rig: Rig, nowhere: Database) -> None:
    await rig.rules({"provider": "gemini", "times": 1, "then": {"fault": "http_500"}})
    breaker = BreakerSettings(failures=1, rest_seconds=30)
    calls = rig.process("gemini", "openai", database=nowhere, breaker=breaker)
    await rig.ask(calls)
    rig.clock.forward(31)

    assert [(await rig.ask(calls)).routes for _ in range(2)] == [["gemini"], ["gemini"]]
