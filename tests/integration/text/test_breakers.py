"""What tasks learn for each other: breakers of routes, in one process and in several."""

from __future__ import annotations

import asyncio

import pytest

from shared.catalog.model import BreakerSettings
from tests.integration.text.rig import Rig

BREAKER = BreakerSettings(failures=3, window_seconds=60, rest_seconds=30)


@pytest.mark.parametrize("mode", ["chat", "stream"])
async def test_a_route_that_flaps_stays_in_use(rig: Rig, mode: str) -> None:
    failing = {"provider": "gemini", "times": 2, "then": {"fault": "http_500"}}
    working = {"provider": "gemini", "times": 1}
    await rig.rules(failing, working, failing, working, failing, working)
    calls = rig.process("gemini", "openai", breaker=BREAKER)

    told = [await rig.ask(calls, mode) for _ in range(9)]

    assert [one.text for one in told] == [rig.whole] * 9
    assert [one.routes[-1] for one in told] == ["openai", "openai", "gemini"] * 3
    assert rig.reached.count("gemini") == 9
    assert rig.reached.count("openai") == 6


@pytest.mark.parametrize("mode", ["chat", "stream"])
async def test_a_route_that_keeps_failing_is_left_alone_by_every_process(rig: Rig, mode: str) -> None:
    await rig.rules({"provider": "gemini", "then": {"fault": "http_500", "status": 503}})
    one, other = (rig.process("gemini", "openai", breaker=BREAKER) for _ in range(2))

    for _ in range(3):
        await rig.ask(one, mode)
    told = [await rig.ask(calls, mode) for calls in (one, other)]

    assert [each.text for each in told] == [rig.whole] * 2
    assert rig.reached == [*["gemini", "openai"] * 3, "openai", "openai"]


async def test_one_call_finds_out_whether_a_route_works_again(rig: Rig) -> None:
    await rig.rules({"provider": "gemini", "then": {"fault": "http_500"}})
    one, other = (rig.process("gemini", "openai", breaker=BREAKER) for _ in range(2))
    for _ in range(3):
        await rig.ask(one)
    await rig.rules({"provider": "gemini", "latency_ms": 1500})
    rig.clock.forward(31)
    before = len(rig.reached)

    told = await asyncio.gather(*(rig.ask(calls) for calls in (one, other) * 3))

    assert [each.text for each in told] == [rig.whole] * 6
    assert sorted(rig.reached[before:]) == ["gemini", *["openai"] * 5]
    assert (await rig.ask(one)).routes == ["gemini"]


async def test_a_probe_that_fails_opens_the_breaker_again(rig: Rig) -> None:
    await rig.rules({"provider": "gemini", "then": {"fault": "http_500"}})
    calls = rig.process("gemini", "openai", breaker=BREAKER)
    for _ in range(3):
        await rig.ask(calls)
    rig.clock.forward(31)

    assert (await rig.ask(calls)).routes == ["gemini", "openai"]
    rig.clock.forward(31)
    assert (await rig.ask(calls)).routes == ["openai"]


async def test_a_probe_whose_client_goes_away_leaves_it_to_the_next(rig: Rig) -> None:
    await rig.rules({"provider": "gemini", "then": {"fault": "http_500"}})
    calls = rig.process("gemini", "openai", breaker=BREAKER)
    for _ in range(3):
        await rig.ask(calls)
    await rig.rules()
    rig.clock.forward(31)

    probe = rig.stream(calls)
    await anext(probe)
    assert (await rig.ask(calls)).routes == ["openai"]
    await probe.aclose()

    assert (await rig.ask(calls)).routes == ["gemini"]


async def test_a_broken_stream_counts_against_its_route(rig: Rig) -> None:
    await rig.rules({"provider": "gemini", "then": {"fault": "missing_end"}})
    calls = rig.process("gemini", "openai", breaker=BREAKER)
    for _ in range(3):
        assert (await rig.ask(calls, "stream")).failure is not None

    assert (await rig.ask(calls, "stream")).routes == ["openai"]
