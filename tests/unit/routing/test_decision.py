"""The router's decision, case by case."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.providers.errors import ErrorClass as E
from shared.routing.decision import (
    AMBIGUITY_GRACE,
    NO_ROUTE_MESSAGE,
    Dispatch,
    Reject,
    Wait,
    decide,
    upstream_model,
)
from shared.routing.health import Health
from tests.unit.building import NOON, a_task, attempt
from tests.unit.routing.situations import (
    CHAIN,
    DEADLINE_SECONDS,
    Situation,
    a_model,
    at,
    opened,
    route,
    when,
)

GRACE = AMBIGUITY_GRACE.total_seconds()
EDIT = {"image_urls": ["https://a.example/b.png"]}
ONLY = CHAIN[:1]
PAIR = CHAIN[:2]
LIMITED = (route("fal"), route("gemini", generate="gemini-3-pro-image", edit="gemini-3-pro-image"))
FINAL = (E.CALLER_FAULT, E.POLICY_REFUSAL, E.CANCELLED, E.DEADLINE)
ONCE = (E.TRANSIENT, E.MODEL_GONE, E.UNKNOWN, E.PROVIDER_NOT_CONFIGURED, E.QUOTA, E.CREDENTIAL)
LIMITED_TWICE = [("fal", E.RATE_LIMIT), ("replicate", E.RATE_LIMIT)]
EMPTY_TWICE = [("fal", E.NO_OUTPUT), ("fal", E.NO_OUTPUT)]
LAST_WORDS = [("fal", E.TRANSIENT), ("replicate", E.QUOTA), ("kie", E.UNKNOWN)]

DISPATCHED = [
    (Situation(), "fal"),
    *((Situation([("fal", error_class)]), "replicate") for error_class in (*ONCE, E.RATE_LIMIT)),
    (Situation([("fal", E.TRANSIENT), ("replicate", E.TRANSIENT)]), "kie"),
    (Situation([("replicate", E.TRANSIENT)]), "fal"),
    # A retry at once after no output, and only one.
    (Situation([("fal", E.NO_OUTPUT)]), "fal"),
    (Situation([("fal", E.TRANSIENT), ("replicate", E.NO_OUTPUT)]), "replicate"),
    (Situation([("fal", E.NO_OUTPUT), ("fal", E.TRANSIENT)]), "replicate"),
    (Situation([("fal", E.NO_OUTPUT)], routes_rest={"fal": (10, E.MODEL_GONE)}), "replicate"),
    (Situation(EMPTY_TWICE, model={"fallback_on_no_output": True}), "replicate"),
    (Situation([("fal", E.RATE_LIMIT), ("fal", E.NO_OUTPUT)]), "fal"),
    # Untried before tried.
    (Situation([("fal", E.RATE_LIMIT), ("replicate", E.TRANSIENT)]), "kie"),
    (Situation([("fal", E.RATE_LIMIT), ("replicate", E.TRANSIENT), ("kie", E.TRANSIENT)]), "fal"),
    (Situation([("fal", E.RATE_LIMIT)] * 4, chain=ONLY), "fal"),
    # A key that fails leaves the others.
    (Situation([("fal", E.QUOTA)], chain=ONLY, keys={"fal": 2}), "fal"),
    (Situation([("fal", E.QUOTA), ("fal", E.CREDENTIAL)], chain=ONLY, keys={"fal": 3}), "fal"),
    (Situation([("fal", E.QUOTA)], keys={"fal": 2}), "replicate"),
    (Situation(keys_rest={"fal-1": (60, E.QUOTA)}, keys={"fal": 2}), "fal"),
    (Situation(keys_rest={"fal-1": (60, E.QUOTA)}), "replicate"),
    (Situation(keys_rest_here={"fal-1": (60, E.RATE_LIMIT)}), "replicate"),
    (Situation(keys={"fal": 0}), "replicate"),
    # An unclear hand-over.
    (Situation([("fal", E.SUBMIT_AMBIGUOUS)], now=GRACE), "replicate"),
    (Situation([("fal", E.SUBMIT_AMBIGUOUS)], chain=ONLY, now=GRACE), "fal"),
    # Resting routes are passed over.
    (Situation(routes_rest={"fal": (10, E.MODEL_GONE)}), "replicate"),
    (Situation(routes_rest={"fal": (10, E.MODEL_GONE), "replicate": (5, E.MODEL_GONE)}), "kie"),
    (Situation(routes_rest={"fal": (0, E.MODEL_GONE)}), "fal"),
    (Situation(routes_rest={"fal": (-10, E.MODEL_GONE)}), "fal"),
    (Situation(breakers={"fal": opened(10)}), "replicate"),
    (Situation(breakers={"fal": opened(-10, probe_until=30)}), "replicate"),
    # Conditions.
    (Situation(chain=(route("fal", edit=None), route("kie")), request=EDIT), "kie"),
    (Situation(chain=(route("fal", when=when(edit=True)), route("kie"))), "kie"),
    (Situation(chain=(route("fal", when=when(edit=True)), route("kie")), request=EDIT), "fal"),
    (Situation(chain=(route("fal", when=when(edit=False)), route("kie")), request=EDIT), "kie"),
    (
        Situation(
            chain=(route("fal", when=when(resolutions=("4K",))), route("kie")), request={"resolution": "2K"}
        ),
        "kie",
    ),
    (Situation(chain=(route("fal", when=when(resolutions=("4K",))), route("kie"))), "fal"),
    (
        Situation(
            chain=(route("fal", when=when(ratios=("1:1",))), route("kie")), request={"aspect_ratio": "16:9"}
        ),
        "kie",
    ),
    (Situation(chain=LIMITED[::-1], request={"resolution": "4K"}), "gemini"),
    (Situation(chain=LIMITED[::-1], request={"resolution": "8K"}), "fal"),
    (Situation(chain=LIMITED[::-1], request={"aspect_ratio": "7:5"}), "fal"),
    # Priorities.
    (Situation(chain=(route("fal", priority=3), route("kie"))), "kie"),
    (Situation(chain=(route("fal", priority=3), route("kie")), breakers={"kie": opened(9)}), "fal"),
    # A refusal, where the catalog lets others try.
    (Situation([("fal", E.POLICY_REFUSAL)], model={"fallback_on_refusal": True}), "replicate"),
    # A route that has left the catalog.
    (Situation([("gemini", E.TRANSIENT)]), "fal"),
]

WAITING = [
    (
        Situation(
            routes_rest={
                "fal": (30, E.MODEL_GONE),
                "replicate": (10, E.CREDENTIAL),
                "kie": (20, E.MODEL_GONE),
            }
        ),
        10,
        "credential",
    ),
    (Situation(chain=ONLY, keys_rest={"fal-1": (9, E.QUOTA)}), 9, "quota"),
    (Situation(chain=ONLY, keys_rest_here={"fal-1": (9, E.RATE_LIMIT)}), 9, "rate_limit"),
    (
        Situation(chain=ONLY, keys={"fal": 2}, keys_rest={"fal-1": (9, E.QUOTA), "fal-2": (4, E.CREDENTIAL)}),
        4,
        "credential",
    ),
    (Situation(chain=ONLY, breakers={"fal": opened(9)}), 9, "breaker open"),
    (Situation(chain=ONLY, breakers={"fal": opened(-9, probe_until=40)}), 40, "breaker half-open"),
    (
        Situation(chain=ONLY, breakers={"fal": opened(9)}, keys_rest={"fal-1": (12, E.QUOTA)}),
        12,
        "quota",
    ),
    (
        Situation(
            [*LIMITED_TWICE, ("kie", E.RATE_LIMIT)],
            keys_rest_here={
                "fal-1": (7, E.RATE_LIMIT),
                "replicate-1": (5, E.RATE_LIMIT),
                "kie-1": (6, E.RATE_LIMIT),
            },
        ),
        5,
        "rate_limit",
    ),
    (Situation(chain=ONLY, breakers={"fal": opened(5_000)}), DEADLINE_SECONDS, "breaker open"),
    (Situation([("fal", E.SUBMIT_AMBIGUOUS)]), GRACE, "submit_ambiguous"),
    (
        Situation(
            [("fal", E.SUBMIT_AMBIGUOUS)], chain=ONLY, routes_rest={"fal": (60, E.MODEL_GONE)}, now=GRACE
        ),
        60,
        "model_gone",
    ),
    (
        Situation([("fal", E.SUBMIT_AMBIGUOUS)], chain=PAIR, breakers={"replicate": opened(9)}),
        GRACE,
        "submit_ambiguous",
    ),
]

UNFIT = "Invalid request: no route of this model "
REJECTED = [
    (Situation(cancelled=True), E.CANCELLED, "Task was cancelled"),
    (Situation([("fal", E.TRANSIENT)], cancelled=True), E.CANCELLED, "Task was cancelled"),
    *((Situation([("fal", error_class)]), error_class, None) for error_class in FINAL),
    (Situation(now=DEADLINE_SECONDS), E.DEADLINE, "Task timed out"),
    (Situation([("fal", E.TRANSIENT)], now=DEADLINE_SECONDS), E.DEADLINE, "Task timed out"),
    (Situation([("fal", E.POLICY_REFUSAL)], now=DEADLINE_SECONDS), E.POLICY_REFUSAL, None),
    (Situation([("fal", E.TRANSIENT)], model={"max_attempts": 1}), E.TRANSIENT, NO_ROUTE_MESSAGE),
    (Situation(LIMITED_TWICE, model={"max_attempts": 2}), E.RATE_LIMIT, NO_ROUTE_MESSAGE),
    (Situation([("fal", E.NO_OUTPUT)], model={"max_attempts": 1}), E.NO_OUTPUT, None),
    (Situation([("fal", E.RATE_LIMIT)] * 5, chain=ONLY), E.RATE_LIMIT, NO_ROUTE_MESSAGE),
    (Situation([("fal", E.QUOTA)], chain=ONLY), E.QUOTA, NO_ROUTE_MESSAGE),
    (Situation([("fal", E.QUOTA), ("fal", E.CREDENTIAL)], chain=ONLY, keys={"fal": 2}), E.CREDENTIAL, None),
    (Situation(EMPTY_TWICE), E.NO_OUTPUT, "The model produced no output for this request"),
    (Situation([("fal", E.NO_OUTPUT), ("replicate", E.NO_OUTPUT)]), E.NO_OUTPUT, None),
    (Situation(EMPTY_TWICE, chain=ONLY, model={"fallback_on_no_output": True}), E.NO_OUTPUT, None),
    (Situation([("fal", E.SUBMIT_AMBIGUOUS)] * 2, chain=ONLY), E.SUBMIT_AMBIGUOUS, NO_ROUTE_MESSAGE),
    (Situation(LAST_WORDS), E.UNKNOWN, NO_ROUTE_MESSAGE),
    (
        Situation([("fal", E.POLICY_REFUSAL)], chain=ONLY, model={"fallback_on_refusal": True}),
        E.POLICY_REFUSAL,
        "Content moderation: refused",
    ),
    (
        Situation(keys={"fal": 0, "replicate": 0, "kie": 0}),
        E.PROVIDER_NOT_CONFIGURED,
        "This model is not available at the moment",
    ),
    (Situation([("fal", E.TRANSIENT)], chain=PAIR, keys={"replicate": 0}), E.TRANSIENT, NO_ROUTE_MESSAGE),
    (
        Situation(chain=(route("fal"), route("kie", edit=None)), keys={"fal": 0}, request=EDIT),
        E.PROVIDER_NOT_CONFIGURED,
        None,
    ),
    (Situation(chain=(route("fal", edit=None),), request=EDIT), E.CALLER_FAULT, f"{UNFIT}can edit images"),
    (
        Situation(chain=(route("fal", edit=None),), request=EDIT, model={"kind": "video"}),
        E.CALLER_FAULT,
        f"{UNFIT}takes input images",
    ),
    (
        Situation(chain=(route("fal", when=when(edit=True)),)),
        E.CALLER_FAULT,
        f"{UNFIT}works without input images",
    ),
    (Situation(chain=LIMITED[1:], request={"resolution": "8K"}), E.CALLER_FAULT, f"{UNFIT}makes 8K"),
    (Situation(chain=LIMITED[1:], request={"aspect_ratio": "7:5"}), E.CALLER_FAULT, f"{UNFIT}makes 7:5"),
    (
        Situation(
            chain=(route("fal", edit=None), route("kie", when=when(resolutions=("2K",)))),
            request={**EDIT, "resolution": "4K"},
        ),
        E.CALLER_FAULT,
        f"{UNFIT}can edit images and makes 4K at the same time",
    ),
]


@pytest.mark.parametrize(("situation", "provider"), DISPATCHED)
def test_the_task_goes_to_the_best_route_that_is_ready(situation: Situation, provider: str) -> None:
    chosen = next(one for one in situation.chain if one.provider == provider)

    assert situation.decided() == Dispatch(chosen, probe=False)


@pytest.mark.parametrize(("situation", "until", "reason"), WAITING)
def test_with_nothing_ready_the_task_waits_for_the_first_that_will_be(
    situation: Situation, until: float, reason: str
) -> None:
    assert situation.decided() == Wait(at(until), reason)


@pytest.mark.parametrize(("situation", "error_class", "told"), REJECTED)
def test_a_task_that_no_route_can_end_is_given_up(
    situation: Situation, error_class: E, told: str | None
) -> None:
    decision = situation.decided()

    assert isinstance(decision, Reject)
    assert decision.failure.error_class is error_class
    assert told in {None, decision.failure.message}


def test_a_route_whose_breaker_is_half_open_is_tried_by_one() -> None:
    half_open = Situation(breakers={"fal": opened(-1)})
    probed = Situation(breakers={"fal": opened(-1).probed(at(-0.5))})

    assert half_open.decided() == Dispatch(CHAIN[0], probe=True)
    assert probed.decided() == Dispatch(CHAIN[1], probe=False)


def test_a_model_that_left_the_catalog_is_rejected() -> None:
    decision = decide(a_task(), None, Health(keys={"fal": ("fal-1",)}), NOON)

    assert isinstance(decision, Reject)
    assert decision.failure.error_class is E.PROVIDER_NOT_CONFIGURED


def test_a_model_that_left_the_catalog_meanwhile_ends_with_the_failure_there_was() -> None:
    decision = decide(Situation([("fal", E.RATE_LIMIT)]).task(), None, Health(), NOON)

    assert isinstance(decision, Reject)
    assert decision.failure.error_class is E.RATE_LIMIT


def test_the_customer_reads_no_provider_name_unless_the_catalog_reveals_it() -> None:
    refused = attempt(
        CHAIN[0].name, E.POLICY_REFUSAL, error_message="fal refused this, as Replicate would have"
    )
    task = a_task(attempts=(refused,))

    def told(*revealed: str) -> str:
        decision = decide(task, a_model(), Situation().health(), NOON, revealed)
        assert isinstance(decision, Reject)
        return decision.failure.message

    assert told() == "Content moderation: the provider refused this, as the provider would have"
    assert told("fal") == "Content moderation: fal refused this, as the provider would have"


def test_the_grace_after_an_unclear_hand_over_runs_from_its_end() -> None:
    situation = Situation([("fal", E.SUBMIT_AMBIGUOUS)], now=GRACE - 0.001)
    late = Situation([("fal", E.SUBMIT_AMBIGUOUS)], now=GRACE)

    assert situation.decided() == Wait(NOON + AMBIGUITY_GRACE, "submit_ambiguous")
    assert isinstance(late.decided(), Dispatch)


def test_shortly_before_its_deadline_a_task_still_waits_no_longer_than_that() -> None:
    situation = Situation(chain=ONLY, breakers={"fal": opened(5_000)}, now=DEADLINE_SECONDS - 0.001)

    assert situation.decided() == Wait(NOON + timedelta(seconds=DEADLINE_SECONDS), "breaker open")


def test_input_images_go_to_the_upstream_model_that_edits() -> None:
    task = a_task(request={"prompt": "x", **EDIT})

    assert upstream_model(a_task(), CHAIN[0]) == "banana"
    assert upstream_model(task, CHAIN[0]) == "banana/edit"
