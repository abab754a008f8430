"""The router's decision, case by case."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from shared.catalog.model import Route
from shared.providers.errors import ErrorClass as E
from shared.routing.decision import (
    AMBIGUITY_GRACE,
    NO_ROUTE_MESSAGE,
    Decision,
    Dispatch,
    Reject,
    Wait,
    decide,
    failure_of,
    upstream_model,
)
from shared.tasks.lifecycle import State
from shared.tasks.model import Attempt
from tests.unit.building import NOON, a_task, attempt

ROUTES = {
    name: Route(provider=name, generate="banana", edit="banana/edit")
    for name in ("fal", "replicate", "gemini")
}
CHAIN = tuple(ROUTES.values())
DEADLINE_SECONDS = 15 * 60
GRACE = AMBIGUITY_GRACE.total_seconds()
Tries = list[tuple[str, E]]


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def decided(
    tries: Tries,
    *,
    cooled: dict[str, float] | None = None,
    now: float = 0,
    retry_after: float | None = None,
    chain: tuple[Route, ...] = CHAIN,
) -> Decision:
    """The decision `now` seconds after noon, when the last attempt ended; `cooled` routes rest until then."""
    attempts = [
        attempt(ROUTES[name].name, error_class, number=number)
        for number, (name, error_class) in enumerate(tries, 1)
    ]
    if retry_after is not None:
        attempts[-1] = attempts[-1].model_copy(update={"retry_at": at(retry_after)})
    task = a_task(State.ATTEMPT_FAILED if tries else State.QUEUED, attempts=tuple(attempts))
    resting = {ROUTES[name].name: at(seconds) for name, seconds in (cooled or {}).items()}
    return decide(task, chain, resting, at(now))


@pytest.mark.parametrize(
    ("tries", "provider"),
    [
        ([], "fal"),
        *(
            ([("fal", error_class)], "replicate")
            for error_class in (E.TRANSIENT, E.QUOTA, E.CREDENTIAL, E.MODEL_GONE, E.RATE_LIMIT, E.UNKNOWN)
        ),
        ([("fal", E.TRANSIENT), ("replicate", E.TRANSIENT)], "gemini"),
        ([("replicate", E.TRANSIENT)], "fal"),
        ([("fal", E.NO_OUTPUT)], "fal"),
        ([("fal", E.NO_OUTPUT), ("fal", E.NO_OUTPUT)], "replicate"),
        ([("fal", E.NO_OUTPUT), ("fal", E.TRANSIENT)], "replicate"),
        ([("fal", E.TRANSIENT), ("replicate", E.NO_OUTPUT)], "replicate"),
        ([("fal", E.TRANSIENT), ("replicate", E.NO_OUTPUT), ("replicate", E.NO_OUTPUT)], "gemini"),
        ([("fal", E.RATE_LIMIT), ("replicate", E.TRANSIENT)], "gemini"),
        ([("fal", E.RATE_LIMIT), ("replicate", E.TRANSIENT), ("gemini", E.TRANSIENT)], "fal"),
    ],
)
def test_the_next_route_is_the_first_that_has_not_failed_the_task(tries: Tries, provider: str) -> None:
    assert decided(tries) == Dispatch(ROUTES[provider])


@pytest.mark.parametrize(
    ("tries", "cooled", "provider"),
    [
        ([], {"fal": 10}, "replicate"),
        ([], {"fal": 10, "replicate": 10}, "gemini"),
        ([], {"fal": 0}, "fal"),
        ([], {"fal": -10}, "fal"),
        ([("fal", E.TRANSIENT)], {"replicate": 10}, "gemini"),
        ([("fal", E.NO_OUTPUT)], {"fal": 10}, "replicate"),
    ],
)
def test_a_resting_route_is_passed_over(tries: Tries, cooled: dict[str, float], provider: str) -> None:
    assert decided(tries, cooled=cooled) == Dispatch(ROUTES[provider])


@pytest.mark.parametrize(
    ("tries", "cooled", "retry_after", "until"),
    [
        ([], {"fal": 30, "replicate": 10, "gemini": 20}, None, 10),
        ([("fal", E.TRANSIENT)], {"replicate": 30, "gemini": 40}, None, 30),
        ([("fal", E.TRANSIENT), ("replicate", E.TRANSIENT), ("gemini", E.RATE_LIMIT)], {}, 12, 12),
        ([("fal", E.TRANSIENT), ("replicate", E.TRANSIENT), ("gemini", E.RATE_LIMIT)], {"gemini": 9}, 12, 12),
        (
            [("fal", E.TRANSIENT), ("replicate", E.TRANSIENT), ("gemini", E.RATE_LIMIT)],
            {"gemini": 15},
            12,
            15,
        ),
        (
            [("fal", E.RATE_LIMIT), ("replicate", E.RATE_LIMIT), ("gemini", E.RATE_LIMIT)],
            {"fal": 7, "replicate": 5},
            6,
            5,
        ),
        ([], {"fal": 5_000, "replicate": 5_000, "gemini": 5_000}, None, DEADLINE_SECONDS),
        ([("fal", E.SUBMIT_AMBIGUOUS)], {}, None, GRACE),
        ([("fal", E.SUBMIT_AMBIGUOUS)], {"replicate": 60}, None, GRACE),
        ([("fal", E.SUBMIT_AMBIGUOUS)], {"fal": 3, "replicate": 3, "gemini": 3}, None, 3),
    ],
)
def test_with_nothing_ready_the_task_waits_for_the_first_that_will_be(
    tries: Tries, cooled: dict[str, float], retry_after: float | None, until: float
) -> None:
    assert decided(tries, cooled=cooled, retry_after=retry_after) == Wait(at(until))


def test_a_rate_limited_route_is_tried_again_once_it_has_rested() -> None:
    tries: Tries = [("fal", E.RATE_LIMIT)]

    assert decided(tries, chain=CHAIN[:1], retry_after=5) == Wait(at(5))
    assert decided(tries, chain=CHAIN[:1], retry_after=5, now=5) == Dispatch(ROUTES["fal"])


def test_a_rate_limited_route_is_not_tried_for_ever() -> None:
    assert decided([("fal", E.RATE_LIMIT)] * 4, chain=CHAIN[:1]) == Dispatch(ROUTES["fal"])
    assert decided([("fal", E.RATE_LIMIT)] * 5, chain=CHAIN[:1]) == Reject(failure_of(E.RATE_LIMIT))


def test_after_an_unclear_hand_over_and_its_grace_the_next_route_is_tried() -> None:
    assert decided([("fal", E.SUBMIT_AMBIGUOUS)], now=GRACE) == Dispatch(ROUTES["replicate"])


def test_with_no_other_route_an_unclear_hand_over_is_repeated_once() -> None:
    only = CHAIN[:1]

    assert decided([("fal", E.SUBMIT_AMBIGUOUS)], chain=only, now=GRACE) == Dispatch(ROUTES["fal"])
    assert decided([("fal", E.SUBMIT_AMBIGUOUS)] * 2, chain=only, now=GRACE) == Reject(
        failure_of(E.SUBMIT_AMBIGUOUS)
    )


@pytest.mark.parametrize(
    ("error_class", "words", "told"),
    [
        (E.POLICY_REFUSAL, "nudity", "Content moderation: nudity"),
        (E.POLICY_REFUSAL, None, "Content moderation: refused"),
        (E.CALLER_FAULT, "bad aspect ratio", "Invalid request: bad aspect ratio"),
        (E.CANCELLED, "whatever", "Task was cancelled"),
        (E.DEADLINE, "whatever", "Task timed out"),
    ],
)
def test_some_failures_end_the_task_though_routes_are_left(
    error_class: E, words: str | None, told: str
) -> None:
    task = a_task(State.ATTEMPT_FAILED, attempts=(attempt(error_class=error_class, error_message=words),))
    decision = decide(task, CHAIN, {}, NOON)

    assert isinstance(decision, Reject)
    assert (decision.failure.error_class, decision.failure.message) == (error_class, told)


@pytest.mark.parametrize("tries", [[], [("fal", E.TRANSIENT)], [("fal", E.RATE_LIMIT)]])
def test_past_its_deadline_a_task_is_given_up(tries: Tries) -> None:
    assert decided(tries, now=DEADLINE_SECONDS - 0.001) != Reject(failure_of(E.DEADLINE))
    assert decided(tries, now=DEADLINE_SECONDS) == Reject(failure_of(E.DEADLINE))


def test_the_refusal_counts_even_past_the_deadline() -> None:
    assert decided([("fal", E.POLICY_REFUSAL)], now=DEADLINE_SECONDS + 1) == Reject(
        failure_of(E.POLICY_REFUSAL)
    )


@pytest.mark.parametrize(
    ("tries", "error_class", "message"),
    [
        ([("fal", E.TRANSIENT), ("replicate", E.QUOTA), ("gemini", E.UNKNOWN)], E.UNKNOWN, NO_ROUTE_MESSAGE),
        (
            [("fal", E.QUOTA), ("replicate", E.TRANSIENT), ("gemini", E.CREDENTIAL)],
            E.CREDENTIAL,
            NO_ROUTE_MESSAGE,
        ),
        (
            [
                ("fal", E.TRANSIENT),
                ("replicate", E.TRANSIENT),
                ("gemini", E.NO_OUTPUT),
                ("gemini", E.NO_OUTPUT),
            ],
            E.NO_OUTPUT,
            "The model produced no output for this request",
        ),
    ],
)
def test_when_every_route_has_failed_the_last_failure_is_told(
    tries: Tries, error_class: E, message: str
) -> None:
    decision = decided(tries)

    assert isinstance(decision, Reject)
    assert (decision.failure.error_class, decision.failure.message) == (error_class, message)


def test_a_providers_own_words_reach_the_customer_only_for_faults_of_the_request() -> None:
    told = {
        error_class: failure_of(error_class, "quota of account 17 at host x").message for error_class in E
    }

    assert {error_class for error_class, message in told.items() if "account 17" in message} == {
        E.POLICY_REFUSAL,
        E.CALLER_FAULT,
    }


def test_a_model_that_left_the_catalog_is_rejected() -> None:
    assert decided([], chain=()) == Reject(failure_of(None))


def test_routes_that_left_the_catalog_do_not_count_as_tries() -> None:
    task = a_task(State.ATTEMPT_FAILED, attempts=(Attempt.model_validate(attempt("kie:old", E.TRANSIENT)),))

    assert decide(task, CHAIN, {}, NOON) == Dispatch(ROUTES["fal"])


def test_input_images_go_to_the_upstream_model_that_edits() -> None:
    route = ROUTES["fal"]

    assert upstream_model(a_task(), route) == "banana"
    assert upstream_model(
        a_task(request={"prompt": "x", "image_urls": ["https://a.example/b.png"]}), route
    ) == ("banana/edit")
