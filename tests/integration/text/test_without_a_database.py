"""The database goes away while clients wait for answers."""

from __future__ import annotations

from typing import Any, NoReturn, cast

import pytest
from pymongo.errors import AutoReconnect

from shared.catalog.model import BreakerSettings
from shared.mongo import Database
from tests.integration.text.rig import Rig


class Away:
    """A collection whose server does not answer."""

    def find(self, *_: Any) -> NoReturn:
        raise AutoReconnect("away")

    async def update_one(self, *_: Any, **__: Any) -> NoReturn:
        raise AutoReconnect("away")


@pytest.fixture
def nowhere() -> Database:
    """A database of such collections."""
    return cast(Database, {"health": Away(), "provider_keys": Away()})


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
