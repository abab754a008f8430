"""How long a provider asks us to wait, wherever it says so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.providers.base import Failed
from shared.providers.errors import ErrorClass
from tests.contract.providers.makers import MAKERS, Maker, each
from tests.contract.providers.simulator import Simulator

_NO_HEADERS = {"gemini": "tells delays in the body only"}
_NO_MILLISECONDS = {
    maker.name: "sends no retry-after-ms, only whole seconds" for maker in MAKERS if maker.name != "openai"
}
_NO_DETAILS = {
    maker.name: "has no machine-readable delay in the body" for maker in MAKERS if maker.name != "gemini"
}


async def delay_of(sim: Simulator, maker: Maker, **then: Any) -> timedelta | None:
    await sim.rule(maker.provider, fault="http_429", **then)
    failed = await sim.media(maker.provider).submit(maker.request())
    assert isinstance(failed, Failed)
    assert failed.error_class is ErrorClass.RATE_LIMIT
    return failed.retry_after


@each(but=_NO_HEADERS)
async def test_a_header_tells_the_seconds(sim: Simulator, maker: Maker) -> None:
    assert await delay_of(sim, maker, retry_after=7) == timedelta(seconds=7)


@each(but=_NO_HEADERS)
async def test_a_header_tells_the_moment(sim: Simulator, maker: Maker) -> None:
    delay = await delay_of(sim, maker, retry_after=1800, http_date=True)
    assert delay is not None
    assert timedelta(seconds=1500) < delay <= timedelta(seconds=1800)


@each(but=_NO_MILLISECONDS)
async def test_a_header_tells_the_milliseconds_before_the_seconds(sim: Simulator, maker: Maker) -> None:
    assert await delay_of(sim, maker, retry_after=2.25) == timedelta(seconds=2.25)


@each(but=_NO_DETAILS)
@pytest.mark.parametrize("seconds", [38, 0.5])
async def test_the_details_of_the_error_tell_it(sim: Simulator, maker: Maker, seconds: float) -> None:
    assert await delay_of(sim, maker, retry_after=seconds) == timedelta(seconds=seconds)


@each()
async def test_the_message_tells_it_if_nothing_else_does(sim: Simulator, maker: Maker) -> None:
    assert await delay_of(sim, maker, retry_after=9, in_text=True) == timedelta(seconds=9)


@each(but={"replicate": "always tells a delay in its message"})
async def test_without_a_word_there_is_no_delay(sim: Simulator, maker: Maker) -> None:
    assert await delay_of(sim, maker) is None


@each(but=_NO_HEADERS)
async def test_a_delay_is_never_longer_than_an_hour(sim: Simulator, maker: Maker) -> None:
    assert await delay_of(sim, maker, retry_after=86400) == timedelta(hours=1)


@each()
async def test_only_a_rate_limit_has_a_delay(sim: Simulator, maker: Maker) -> None:
    await sim.rule(maker.provider, fault="http_500", retry_after=5)
    failed = await sim.media(maker.provider).submit(maker.request())
    assert isinstance(failed, Failed)
    assert failed.retry_after is None
