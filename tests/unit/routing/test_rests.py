"""Who rests after a failure, and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.providers.errors import ErrorClass
from shared.routing.health import Rest
from shared.routing.rests import BREAKS, REST, WORKS, rest_after
from tests.unit.building import NOON

ROUTE, KEY = "fal:banana", "fal-1a2b3c4d"
LATER = timedelta(seconds=42)


@pytest.mark.parametrize(
    ("error_class", "subject", "length"),
    [
        (ErrorClass.RATE_LIMIT, f"key:{KEY} on route:{ROUTE}", timedelta(seconds=5)),
        (ErrorClass.QUOTA, f"key:{KEY}", timedelta(minutes=5)),
        (ErrorClass.CREDENTIAL, f"key:{KEY}", timedelta(minutes=5)),
        (ErrorClass.MODEL_GONE, f"route:{ROUTE}", timedelta(minutes=10)),
    ],
)
def test_each_class_lets_its_own_subject_rest(
    error_class: ErrorClass, subject: str, length: timedelta
) -> None:
    expected = (subject, Rest(NOON + length, error_class.value))

    assert rest_after(error_class, ROUTE, KEY, None, NOON) == expected


@pytest.mark.parametrize("error_class", sorted(REST))
def test_without_a_known_key_the_whole_route_rests(error_class: ErrorClass) -> None:
    rested = rest_after(error_class, ROUTE, None, None, NOON)

    assert rested is not None
    assert rested[0] == f"route:{ROUTE}"


def test_a_rate_limit_lasts_as_long_as_the_provider_says() -> None:
    for said in (LATER, timedelta(0)):
        rested = rest_after(ErrorClass.RATE_LIMIT, ROUTE, KEY, said, NOON)
        assert rested is not None
        assert rested[1].until == NOON + said


@pytest.mark.parametrize("error_class", sorted(set(REST) - {ErrorClass.RATE_LIMIT}))
def test_what_the_provider_says_of_other_failures_does_not_count(error_class: ErrorClass) -> None:
    rested = rest_after(error_class, ROUTE, KEY, LATER, NOON)

    assert rested is not None
    assert rested[1].until == NOON + REST[error_class]


@pytest.mark.parametrize("error_class", sorted(set(ErrorClass) - set(REST)))
def test_after_any_other_failure_nobody_rests(error_class: ErrorClass) -> None:
    assert rest_after(error_class, ROUTE, KEY, LATER, NOON) is None


def test_no_failure_speaks_both_for_and_against_a_route() -> None:
    assert not BREAKS & WORKS
    assert not (BREAKS | WORKS) & set(REST)
