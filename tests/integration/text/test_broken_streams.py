"""Streams that go wrong on their way."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import pytest

from services.api.text.endings import BROKE_OFF_MESSAGE
from shared.providers.base import ChatDelta
from shared.providers.errors import ErrorClass
from shared.tasks.model import TaskFailure
from tests.integration.conftest import Eventually
from tests.integration.text.rig import HASTY, PROVIDERS, Rig

PACE_MS = 40
"""Between two chunks, so that those before a reset have arrived when it comes."""
ANY_FIRST = pytest.mark.parametrize(
    ("first", "second"), [("gemini", "openai"), ("openai", "openrouter"), ("openrouter", "gemini")]
)


@ANY_FIRST
async def test_a_stream_without_a_first_token_gives_way_and_leaves_nothing_behind(
    rig: Rig, first: str, second: str, eventually: Eventually
) -> None:
    slow = {"fault": "slow_first_token", "delay_ms": 3000}
    await rig.rules({"provider": first, "then": slow})

    told = await rig.ask(rig.process(first, second, soft={first: 0.4}), "stream")

    assert told.text == rig.whole
    assert told.classes == [ErrorClass.TRANSIENT, None]
    assert rig.reached == [first, second]

    async def first_is_cancelled() -> bool:
        return {job["provider"]: job["state"] for job in await rig.jobs()}[first] == "cancelled"

    await eventually(first_is_cancelled)


@pytest.mark.parametrize("first", PROVIDERS)
@pytest.mark.parametrize(
    ("then", "error_class"),
    [
        ({"fault": "cut_stream", "count": 3}, ErrorClass.TRANSIENT),
        ({"fault": "stall", "count": 3}, ErrorClass.TRANSIENT),
        ({"fault": "malformed_chunk", "count": 3}, None),
        ({"fault": "error_in_200", "count": 3}, ErrorClass.TRANSIENT),
    ],
    ids=["cut", "stall", "malformed", "stated-error"],
)
async def test_a_stream_that_breaks_after_its_first_words_ends_with_a_failure(
    rig: Rig, first: str, then: dict[str, Any], error_class: ErrorClass | None
) -> None:
    await rig.rules({"provider": first, "then": then, "chunk_delay_ms": PACE_MS})
    others = [name for name in PROVIDERS if name != first]

    told = await rig.ask(rig.process(first, *others, limits={first: HASTY}), "stream")

    assert told.failure is not None
    assert told.failure.message == BROKE_OFF_MESSAGE
    (attempt,) = told.attempts
    assert attempt.error_class is told.failure.error_class
    assert attempt.error_class is not None
    assert error_class in (None, attempt.error_class)
    assert told.text
    assert told.text != rig.whole
    assert rig.whole.startswith(told.text)
    assert rig.reached == [first]
    assert (await rig.counted())[first] == 1


@pytest.mark.parametrize("first", PROVIDERS)
async def test_a_stream_without_its_end_is_no_success(rig: Rig, first: str) -> None:
    await rig.rules({"provider": first, "then": {"fault": "missing_end"}})
    others = [name for name in PROVIDERS if name != first]

    told = await rig.ask(rig.process(first, *others), "stream")

    assert told.failure is not None
    assert told.failure.message == BROKE_OFF_MESSAGE
    assert told.finish_reason is None
    assert told.text == rig.whole
    assert rig.reached == [first]


async def test_a_stream_that_gemini_filters_after_its_first_words_has_ended(rig: Rig) -> None:
    await rig.rules({"provider": "gemini", "then": {"fault": "content_filter"}})

    told = await rig.ask(rig.process("gemini", "openai"), "stream")

    assert told.failure is None
    assert told.finish_reason == "content_filter"
    assert rig.whole.startswith(told.text)
    assert rig.reached == ["gemini"]


async def test_what_gemini_filters_is_asked_of_nobody_else(rig: Rig) -> None:
    await rig.rules({"provider": "gemini", "then": {"fault": "content_filter"}})

    told = await rig.ask(rig.process("gemini", "openai"))

    assert told.failure is not None
    assert told.failure.error_class is ErrorClass.POLICY_REFUSAL
    assert rig.reached == ["gemini"]


@pytest.mark.parametrize("first", PROVIDERS)
async def test_a_stream_ends_with_the_deadline_of_its_task(rig: Rig, first: str) -> None:
    await rig.rules({"provider": first, "then": {"fault": "stall", "count": 2}})

    told = await rig.ask(rig.process(first), "stream", seconds=1.0)

    assert told.failure is not None
    assert told.failure.error_class is ErrorClass.DEADLINE
    assert told.text
    assert rig.whole.startswith(told.text)


@pytest.mark.parametrize("first", PROVIDERS)
async def test_an_answer_that_has_begun_may_outlast_the_soft_deadline(rig: Rig, first: str) -> None:
    await rig.rules({"provider": first, "chunk_delay_ms": 150})

    told = await rig.ask(rig.process(first, soft={first: 0.8}), "stream")

    assert told.text == rig.whole
    assert told.classes == [None]
    (attempt,) = told.attempts
    assert attempt.ended_at is not None
    assert attempt.ended_at > attempt.soft_deadline_at


@pytest.mark.parametrize("first", PROVIDERS)
async def test_a_client_that_goes_away_ends_the_call(rig: Rig, first: str, eventually: Eventually) -> None:
    await rig.rules({"provider": first, "chunk_delay_ms": 200})
    others = [name for name in PROVIDERS if name != first]
    stream = rig.stream(rig.process(first, *others))

    async with aclosing(stream):
        event = await anext(stream)
        assert isinstance(event, ChatDelta)
        assert rig.whole.startswith(event.delta["content"])

    (attempt,) = stream.attempts
    assert attempt.error_class is ErrorClass.CANCELLED
    assert attempt.ended_at is not None
    assert rig.reached == [first]

    async def cancelled() -> bool:
        return [job["state"] for job in await rig.jobs()] == ["cancelled"]

    await eventually(cancelled)


async def test_events_of_a_closed_stream_are_over(rig: Rig) -> None:
    await rig.rules()
    stream = rig.stream(rig.process("gemini"))
    await anext(stream)
    await stream.aclose()

    assert [event async for event in stream] == []
    assert not isinstance(stream.failure, TaskFailure)
