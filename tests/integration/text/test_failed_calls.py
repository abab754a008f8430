"""Providers that fail before they have answered anything."""

from __future__ import annotations

from typing import Any

import pytest

from shared.providers.errors import ErrorClass
from shared.routing.failures import NO_ROUTE_MESSAGE
from tests.integration.text.rig import HASTY, PROVIDERS, Rig, Told

EITHER_MODE = pytest.mark.parametrize("mode", ["chat", "stream"])
ANY_FIRST = pytest.mark.parametrize(
    ("first", "second"), [("gemini", "openai"), ("openai", "openrouter"), ("openrouter", "gemini")]
)


async def check_reached(rig: Rig, *providers: str) -> None:
    """These providers were called, in this order, as both sides of the wire say."""
    assert rig.reached == list(providers)
    assert await rig.counted() == {name: providers.count(name) for name in PROVIDERS}


def check_whole(rig: Rig, told: Told) -> None:
    assert told.failure is None
    assert told.finish_reason == "stop"
    assert told.text == rig.whole


@EITHER_MODE
@pytest.mark.parametrize("only", PROVIDERS)
async def test_a_rate_limit_of_the_only_route_is_waited_for(rig: Rig, only: str, mode: str) -> None:
    await rig.rules({"provider": only, "times": 1, "then": {"fault": "http_429", "retry_after": 0.3}})

    told = await rig.ask(rig.process(only), mode)

    check_whole(rig, told)
    assert told.classes == [ErrorClass.RATE_LIMIT, None]
    limited, again = told.attempts
    assert limited.retry_at is not None
    assert again.dispatched_at >= limited.retry_at
    await check_reached(rig, only, only)


@EITHER_MODE
@ANY_FIRST
async def test_a_lasting_rate_limit_sends_this_task_and_the_next_to_another_route(
    rig: Rig, first: str, second: str, mode: str
) -> None:
    await rig.rules({"provider": first, "then": {"fault": "http_429"}})
    calls = rig.process(first, second)

    told = await rig.ask(calls, mode)
    check_whole(rig, told)
    assert told.classes == [ErrorClass.RATE_LIMIT, None]
    check_whole(rig, await rig.ask(calls, mode))

    await check_reached(rig, first, second, second)


@EITHER_MODE
@ANY_FIRST
@pytest.mark.parametrize(
    ("then", "error_class"),
    [
        ({"fault": "http_500"}, ErrorClass.TRANSIENT),
        ({"fault": "http_500", "status": 503}, ErrorClass.TRANSIENT),
        ({"fault": "job_fails"}, ErrorClass.TRANSIENT),
        ({"fault": "reset"}, ErrorClass.TRANSIENT),
        ({"fault": "bad_json"}, ErrorClass.TRANSIENT),
        ({"fault": "model_gone"}, ErrorClass.MODEL_GONE),
    ],
    ids=["500", "503", "500-at-work", "reset", "half-an-answer", "model-gone"],
)
async def test_a_failed_call_is_answered_by_the_next_route(
    rig: Rig, first: str, second: str, then: dict[str, Any], error_class: ErrorClass, mode: str
) -> None:
    await rig.rules({"provider": first, "times": 1, "then": then})

    told = await rig.ask(rig.process(first, second), mode)

    check_whole(rig, told)
    assert told.routes == [first, second]
    assert told.classes == [error_class, None]
    await check_reached(rig, first, second)


@EITHER_MODE
@ANY_FIRST
async def test_a_lasting_503_keeps_no_task_from_its_answer(
    rig: Rig, first: str, second: str, mode: str
) -> None:
    await rig.rules({"provider": first, "then": {"fault": "http_500", "status": 503}})
    calls = rig.process(first, second)

    for _ in range(3):
        check_whole(rig, await rig.ask(calls, mode))

    await check_reached(rig, *[first, second] * 3)


@EITHER_MODE
@ANY_FIRST
async def test_a_provider_that_does_not_answer_is_given_up(
    rig: Rig, first: str, second: str, mode: str
) -> None:
    await rig.rules({"provider": first, "then": {"fault": "timeout"}})

    told = await rig.ask(rig.process(first, second, limits={first: HASTY}), mode)

    check_whole(rig, told)
    assert told.classes == [ErrorClass.TRANSIENT, None]
    await check_reached(rig, first, second)


@EITHER_MODE
@ANY_FIRST
async def test_a_call_ends_with_the_soft_deadline_of_its_route(
    rig: Rig, first: str, second: str, mode: str
) -> None:
    await rig.rules({"provider": first, "then": {"fault": "timeout"}})

    told = await rig.ask(rig.process(first, second, soft={first: 0.4}), mode)

    check_whole(rig, told)
    assert told.attempts[0].error_message == "The provider took too long"
    await check_reached(rig, first, second)


@EITHER_MODE
@pytest.mark.parametrize("first", PROVIDERS)
async def test_a_context_that_is_too_long_is_told_and_tried_nowhere_else(
    rig: Rig, first: str, mode: str
) -> None:
    await rig.rules({"provider": first, "then": {"fault": "context_length"}})
    others = [name for name in PROVIDERS if name != first]

    told = await rig.ask(rig.process(first, *others), mode)

    assert told.failure is not None
    assert told.failure.error_class is ErrorClass.CALLER_FAULT
    assert "token" in told.failure.message
    assert told.text == ""
    await check_reached(rig, first)


@EITHER_MODE
@pytest.mark.parametrize("first", PROVIDERS)
async def test_a_refusal_is_told_and_routed_around_nowhere(rig: Rig, first: str, mode: str) -> None:
    await rig.rules({"provider": first, "then": {"fault": "refusal"}})
    others = [name for name in PROVIDERS if name != first]

    told = await rig.ask(rig.process(first, *others), mode)

    assert told.failure is not None
    assert told.failure.error_class is ErrorClass.POLICY_REFUSAL
    assert told.text == ""
    await check_reached(rig, first)


@EITHER_MODE
@pytest.mark.parametrize("first", ["openai", "openrouter"])
async def test_an_answer_that_a_filter_cut_short_is_an_answer(rig: Rig, first: str, mode: str) -> None:
    await rig.rules({"provider": first, "then": {"fault": "content_filter"}})
    others = [name for name in PROVIDERS if name != first]

    told = await rig.ask(rig.process(first, *others), mode)

    assert told.failure is None
    assert told.finish_reason == "content_filter"
    assert rig.whole.startswith(told.text)
    assert told.classes == [None]
    await check_reached(rig, first)


@EITHER_MODE
@pytest.mark.parametrize("fault", ["credential", "quota"])
@pytest.mark.parametrize("only", PROVIDERS)
async def test_a_key_that_is_refused_or_spent_gives_way_to_the_other(
    rig: Rig, only: str, fault: str, mode: str
) -> None:
    await rig.rules({"provider": only, "times": 1, "then": {"fault": fault}})
    calls = rig.process(only, keys={only: 2})

    told = await rig.ask(calls, mode)
    check_whole(rig, told)
    refused, used = (attempt.key_id for attempt in told.attempts)
    assert refused != used
    for _ in range(2):
        again = await rig.ask(calls, mode)
        assert [attempt.key_id for attempt in again.attempts] == [used]

    await check_reached(rig, *[only] * 4)


@pytest.mark.parametrize("fault", ["credential", "quota"])
@ANY_FIRST
async def test_a_provider_stays_in_use_while_it_has_a_key_left(
    rig: Rig, first: str, second: str, fault: str
) -> None:
    await rig.rules({"provider": first, "times": 2, "then": {"fault": fault}})
    calls = rig.process(first, second, keys={first: 3})

    refused = [(await rig.ask(calls)).attempts[0].key_id for _ in range(2)]
    told = [await rig.ask(calls) for _ in range(2)]

    check_whole(rig, told[0])
    used = {attempt.key_id for one in told for attempt in one.attempts}
    assert len({*refused, *used}) == 3
    await check_reached(rig, first, second, first, second, first, first)


@pytest.mark.parametrize("fault", ["credential", "quota"])
@ANY_FIRST
async def test_without_a_key_left_a_provider_is_passed_over(
    rig: Rig, first: str, second: str, fault: str
) -> None:
    await rig.rules({"provider": first, "then": {"fault": fault}})
    calls = rig.process(first, second, keys={first: 2})

    for _ in range(3):
        check_whole(rig, await rig.ask(calls))

    await check_reached(rig, first, second, first, second, second)


@EITHER_MODE
@pytest.mark.parametrize("fault", ["credential", "quota"])
async def test_when_all_else_fails_the_other_key_is_tried_before_giving_up(
    rig: Rig, fault: str, mode: str
) -> None:
    await rig.rules(
        {"provider": "gemini", "then": {"fault": fault}},
        {"provider": "openai", "then": {"fault": "http_500"}},
    )

    told = await rig.ask(rig.process("gemini", "openai", keys={"gemini": 2}), mode)

    assert told.failure is not None
    assert len({attempt.key_id for attempt in told.attempts}) == 3
    await check_reached(rig, "gemini", "openai", "gemini")


async def test_an_error_inside_a_success_is_a_failure(rig: Rig) -> None:
    await rig.rules({"provider": "openrouter", "then": {"fault": "error_in_200"}})

    told = await rig.ask(rig.process("openrouter", "gemini"))

    check_whole(rig, told)
    assert told.classes == [ErrorClass.TRANSIENT, None]
    await check_reached(rig, "openrouter", "gemini")


@EITHER_MODE
async def test_with_everything_down_each_route_is_tried_once_and_one_failure_told(
    rig: Rig, mode: str
) -> None:
    await rig.rules({"then": {"fault": "http_500"}})

    told = await rig.ask(rig.process(*PROVIDERS), mode)

    assert told.failure is not None
    assert told.failure.error_class is ErrorClass.TRANSIENT
    assert told.failure.message == NO_ROUTE_MESSAGE
    assert told.routes == list(PROVIDERS)
    assert told.text == ""
    assert rig.reached == list(PROVIDERS)


@EITHER_MODE
async def test_with_every_route_limited_each_is_tried_as_often_as_allowed(rig: Rig, mode: str) -> None:
    await rig.rules({"provider": "openai", "then": {"fault": "http_429", "retry_after": 0.05}})

    told = await rig.ask(rig.process("openai"), mode)

    assert told.failure is not None
    assert told.failure.error_class is ErrorClass.RATE_LIMIT
    await check_reached(rig, *["openai"] * 5)


@EITHER_MODE
async def test_nobody_waits_for_a_route_that_is_not_ready_before_the_deadline(rig: Rig, mode: str) -> None:
    await rig.rules({"then": {"fault": "http_429", "retry_after": 900}})
    calls = rig.process(*PROVIDERS)

    for _ in range(2):
        told = await rig.ask(calls, mode, seconds=600)
        assert told.failure is not None
        assert told.failure.error_class is ErrorClass.RATE_LIMIT

    assert rig.reached == list(PROVIDERS)


@EITHER_MODE
async def test_a_call_ends_with_the_deadline_of_its_task(rig: Rig, mode: str) -> None:
    await rig.rules({"then": {"fault": "timeout"}})

    told = await rig.ask(rig.process(*PROVIDERS), mode, seconds=0.5)

    assert told.failure is not None
    assert told.failure.error_class is ErrorClass.DEADLINE
    assert told.classes == [ErrorClass.DEADLINE]
    assert rig.reached == ["gemini"]


@ANY_FIRST
@pytest.mark.parametrize("fault", ["http_429", "http_500", "reset", "timeout", "credential"])
async def test_embeddings_fail_over_as_chats_do(rig: Rig, first: str, second: str, fault: str) -> None:
    await rig.rules({"provider": first, "then": {"fault": fault}})
    calls = rig.process(first, second, limits={first: HASTY})

    outcome = await calls.embed(rig.task(), rig.texts)

    assert outcome.answer is not None
    assert [len(vector) for vector in outcome.answer.vectors] == [16, 16]
    assert [attempt.provider for attempt in outcome.attempts] == [first, second]
    await check_reached(rig, first, second)


async def test_what_a_provider_charged_stands_at_the_attempt_that_answered(rig: Rig) -> None:
    await rig.rules({"provider": "openai", "then": {"fault": "http_500"}})

    told = await rig.ask(rig.process("openai", "openrouter"))

    failed, answered = told.attempts
    assert failed.cost_nano is None
    assert answered.cost_nano is not None
    assert answered.cost_nano > 0
