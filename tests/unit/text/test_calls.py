"""Answers in one piece, and what routes are left when one gives none."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.api.text.calls import Outcome
from services.api.text.requests import Texts
from shared.clock import DatabaseClock
from shared.providers.base import ChatDone, Failed, TokenUsage
from shared.providers.errors import ErrorClass
from shared.routing.breaker import Breaker
from shared.routing.health import Health, Rest, route_subject
from tests.unit.text.scripted import CONVERSATION, Notes, Scripted, a_text_task, calls_over

ANSWER = ChatDone({"role": "assistant", "content": "a"}, "stop", TokenUsage(4, 6, cost_nano=900))
BROKEN = Failed(ErrorClass.TRANSIENT, "the connection to the provider broke")


@pytest.fixture
def notes() -> Notes:
    return Notes()


async def ask(notes: Notes, *scripts: Scripted, **of_calls: Any) -> Outcome[ChatDone]:
    names = ("openai", "gemini", "openrouter")
    providers = dict(zip(names, scripts, strict=False))
    return await calls_over(notes, **of_calls, **providers).chat(a_text_task(), CONVERSATION)


def classes(outcome: Outcome[ChatDone]) -> list[ErrorClass | None]:
    return [attempt.error_class for attempt in outcome.attempts]


async def test_the_first_answer_is_the_outcome(notes: Notes) -> None:
    outcome = await ask(notes, Scripted(answers=[BROKEN]), Scripted(answers=[ANSWER]))

    assert outcome.answer is ANSWER
    assert outcome.failure is None
    failed, answered = outcome.attempts
    assert (failed.number, failed.route, failed.key_id) == (1, "openai:m", "openai-1")
    assert failed.error_message == BROKEN.message
    assert (answered.number, answered.provider, answered.upstream_model) == (2, "gemini", "m")
    assert answered.cost_nano == 900
    assert failed.dispatched_at <= (failed.ended_at or failed.dispatched_at) <= answered.dispatched_at


async def test_a_failure_is_noted_before_the_next_decision(notes: Notes) -> None:
    await ask(notes, Scripted(answers=[BROKEN]), Scripted(answers=[ANSWER]))

    assert notes.log == [
        ("asked", ""),
        ("failed", "openai:m transient"),
        ("asked", "again"),
        ("works", "gemini:m"),
    ]


async def test_a_model_without_output_is_asked_once_more(notes: Notes) -> None:
    script = Scripted(answers=[Failed(ErrorClass.NO_OUTPUT, "nothing"), ANSWER])

    outcome = await ask(notes, script, Scripted())

    assert outcome.answer is ANSWER
    assert [attempt.route for attempt in outcome.attempts] == ["openai:m", "openai:m"]


@pytest.mark.parametrize("error_class", [ErrorClass.POLICY_REFUSAL, ErrorClass.CALLER_FAULT])
async def test_what_no_route_would_answer_differently_ends_at_once(
    notes: Notes, error_class: ErrorClass
) -> None:
    other = Scripted(answers=[ANSWER])

    outcome = await ask(notes, Scripted(answers=[Failed(error_class, "no")]), other)

    assert outcome.failure is not None
    assert outcome.failure.error_class is error_class
    assert other.requests == []


async def test_a_bug_of_an_adapter_costs_one_route(notes: Notes) -> None:
    outcome = await ask(notes, Scripted(answers=[ValueError("a bug")]), Scripted(answers=[ANSWER]))

    assert outcome.answer is ANSWER
    assert classes(outcome) == [ErrorClass.UNKNOWN, None]


async def test_a_silent_route_is_given_up_at_its_soft_deadline(notes: Notes) -> None:
    silent = Scripted(hangs=True)

    outcome = await ask(notes, silent, Scripted(answers=[ANSWER]), soft_seconds=0.2)

    assert classes(outcome) == [ErrorClass.TRANSIENT, None]
    assert silent.broken_off == 1


async def test_a_cancelled_call_ends_at_the_provider_and_frees_its_route(notes: Notes) -> None:
    silent = Scripted(hangs=True)
    call = asyncio.create_task(ask(notes, silent))
    await silent.called.wait()

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert silent.broken_off == 1
    assert notes.log[-1] == ("failed", "openai:m cancelled")


@pytest.mark.parametrize("reason", ["rate_limit", "quota"])
async def test_a_client_is_told_at_once_what_rests_beyond_the_deadline(notes: Notes, reason: str) -> None:
    until = DatabaseClock().now() + timedelta(hours=1)
    notes.health = Health(rests={route_subject("openai:m"): Rest(until, reason)})

    outcome = await ask(notes, Scripted(answers=[ANSWER]))

    assert outcome.attempts == ()
    assert outcome.failure is not None
    assert outcome.failure.error_class == reason


async def test_a_client_is_told_at_once_of_a_breaker_open_beyond_the_deadline(notes: Notes) -> None:
    until = DatabaseClock().now() + timedelta(hours=1)
    notes.health = Health(breakers={"openai:m": Breaker(open_until=until, trips=1)})

    outcome = await ask(notes, Scripted(answers=[ANSWER]))

    assert outcome.failure is not None
    assert outcome.failure.error_class is ErrorClass.TRANSIENT


async def test_a_rest_that_ends_in_time_is_waited_for(notes: Notes) -> None:
    until = DatabaseClock().now() + timedelta(seconds=0.3)
    notes.health = Health(rests={route_subject("openai:m"): Rest(until, "rate_limit")})

    outcome = await ask(notes, Scripted(answers=[ANSWER]))

    (attempt,) = outcome.attempts
    assert attempt.dispatched_at >= until


@pytest.mark.parametrize(("won", "route"), [(True, "openai:m"), (False, "gemini:m")])
async def test_only_who_has_won_the_probe_calls_a_route_that_may_work_again(
    notes: Notes, won: bool, route: str
) -> None:
    now = DatabaseClock().now()
    notes.health = Health(breakers={"openai:m": Breaker(open_until=now, trips=1)})
    notes.probe_is_mine = won

    outcome = await ask(notes, Scripted(answers=[ANSWER]), Scripted(answers=[ANSWER]))

    assert [attempt.route for attempt in outcome.attempts] == [route]
    assert notes.log.count(("probe", "openai:m")) == 1


async def test_the_keys_are_those_of_this_process(notes: Notes) -> None:
    notes.health = Health(keys={"gemini": ("gemini-9",)})

    outcome = await ask(notes, Scripted(answers=[ANSWER]))

    assert [attempt.key_id for attempt in outcome.attempts] == ["openai-1"]


async def test_a_provider_that_cannot_embed_is_not_asked_to(notes: Notes) -> None:
    calls = calls_over(notes, openai=Scripted(answers=[ANSWER]))

    outcome = await calls.embed(a_text_task(), Texts(("a hen",)))

    assert outcome.attempts == ()
    assert outcome.failure is not None
    assert outcome.failure.error_class is ErrorClass.PROVIDER_NOT_CONFIGURED


async def test_a_model_that_left_the_catalog_is_not_available(notes: Notes) -> None:
    task = a_text_task().model_copy(update={"model": "gone"})

    outcome = await calls_over(notes, openai=Scripted()).chat(task, CONVERSATION)

    assert outcome.failure is not None
    assert outcome.failure.error_class is ErrorClass.PROVIDER_NOT_CONFIGURED
