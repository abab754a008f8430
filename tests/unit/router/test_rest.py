"""How long a failure keeps its route from everybody."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.router.health import REST, rest_until
from shared.providers.errors import ErrorClass
from tests.unit.building import NOON, attempt

RESTS = {
    ErrorClass.RATE_LIMIT: timedelta(seconds=5),
    ErrorClass.QUOTA: timedelta(minutes=5),
    ErrorClass.CREDENTIAL: timedelta(minutes=5),
    ErrorClass.MODEL_GONE: timedelta(minutes=10),
}


@pytest.mark.parametrize("error_class", list(ErrorClass))
def test_only_failures_that_speak_of_the_route_make_it_rest(error_class: ErrorClass) -> None:
    rest = RESTS.get(error_class)

    assert rest_until(attempt(error_class=error_class), NOON) == (NOON + rest if rest else None)


def test_an_attempt_that_has_not_failed_says_nothing() -> None:
    assert rest_until(attempt(), NOON) is None


@pytest.mark.parametrize(
    ("retry_after", "rest"),
    [(timedelta(seconds=40), 40), (timedelta(0), None), (timedelta(seconds=-30), None)],
)
def test_the_providers_own_time_goes_before_ours_and_ends(retry_after: timedelta, rest: int | None) -> None:
    limited = attempt(error_class=ErrorClass.RATE_LIMIT, retry_after=retry_after)

    assert rest_until(limited, NOON) == (None if rest is None else NOON + timedelta(seconds=rest))


def test_a_rest_counts_from_the_failure_however_often_it_is_looked_at() -> None:
    limited = attempt(error_class=ErrorClass.RATE_LIMIT, ended_at=NOON)
    end = NOON + REST[ErrorClass.RATE_LIMIT]

    assert rest_until(limited, NOON + timedelta(seconds=1)) == end
    assert rest_until(limited, NOON + timedelta(seconds=4)) == end
    assert rest_until(limited, end) is None


def test_a_time_named_for_another_kind_of_failure_does_not_make_the_route_rest() -> None:
    assert (
        rest_until(attempt(error_class=ErrorClass.TRANSIENT, retry_after=timedelta(seconds=9)), NOON) is None
    )
