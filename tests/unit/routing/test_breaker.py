"""A breaker opens when a route keeps failing, lets one task try, and learns from its outcome."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.catalog.model import BreakerSettings
from shared.routing.breaker import CLOSED, PROBE_TIME, Breaker, BreakerState, Failure
from tests.unit.routing.situations import at

SETTINGS = BreakerSettings(failures=3, window_seconds=60, rest_seconds=15, most_seconds=100)


def failures(*seconds: float) -> list[Failure]:
    return [Failure(f"gen_{second}", at(second)) for second in seconds]


def after(*seconds: float, breaker: Breaker = CLOSED) -> Breaker:
    """Reported one by one, in this order."""
    for failure in failures(*seconds):
        breaker = breaker.after_failures([failure], SETTINGS)
    return breaker


def test_it_opens_with_enough_failures_and_rests_from_the_last() -> None:
    assert after(0, 10).open_until is None
    assert after(0, 10, 20).open_until == at(35)
    assert after(0, 10, 20) == CLOSED.after_failures(failures(20, 0, 10), SETTINGS)


@pytest.mark.parametrize(
    ("now", "state", "usable", "probes"),
    [
        (20, BreakerState.OPEN, 35, False),
        (34.9, BreakerState.OPEN, 35, False),
        (35, BreakerState.HALF_OPEN, 35, True),
        (50, BreakerState.HALF_OPEN, 50, True),
    ],
)
def test_open_then_half_open(now: float, state: BreakerState, usable: float, probes: bool) -> None:
    breaker = after(0, 10, 20)

    assert breaker.state(at(now)) is state
    assert breaker.usable_at(at(now)) == at(usable)
    assert breaker.needs_probe(at(now)) is probes


def test_a_closed_one_lets_everybody_pass_and_needs_no_probe() -> None:
    assert CLOSED.state(at(0)) is BreakerState.CLOSED
    assert CLOSED.usable_at(at(7)) == at(7)
    assert not CLOSED.needs_probe(at(7))


def test_while_one_tries_the_others_wait_but_not_for_ever() -> None:
    breaker = after(0, 10, 20).probed(at(40))
    patience = 40 + PROBE_TIME.total_seconds()

    assert breaker.usable_at(at(41)) == at(patience)
    assert not breaker.needs_probe(at(patience - 1))
    assert breaker.needs_probe(at(patience))
    assert breaker.usable_at(at(patience)) == at(patience)


def test_each_failed_probe_doubles_the_rest_up_to_the_most() -> None:
    breaker, rests = after(0, 10, 20), []
    for _ in range(5):
        assert breaker.open_until is not None
        tried = breaker.open_until
        breaker = breaker.probed(tried).after_failures([Failure(f"probe {tried}", tried)], SETTINGS)
        assert breaker.open_until is not None
        rests.append((breaker.open_until - tried).total_seconds())

    assert rests == [30, 60, 100, 100, 100]
    assert breaker.probe_until is None


def test_failures_that_come_in_while_it_is_open_change_nothing() -> None:
    breaker = after(0, 10, 20)

    assert after(25, 30, breaker=breaker) == breaker


def test_failures_far_apart_do_not_open_it() -> None:
    assert after(0, 61, 122, 183).open_until is None
    assert after(0, 61, 122, 130, 140).open_until == at(155)


def test_the_same_failure_reported_again_counts_once() -> None:
    assert after(0, 0, 0, 0) == after(0)


def test_a_late_report_of_an_old_failure_does_not_open_it() -> None:
    assert after(100, 200, 300, 0) == after(100, 200, 300)


@given(order=st.permutations([0, 40, 70, 75, 200]))
def test_it_does_not_matter_in_which_order_a_batch_is_reported(order: list[int]) -> None:
    assert CLOSED.after_failures(failures(*order), SETTINGS) == CLOSED.after_failures(
        failures(0, 40, 70, 75, 200), SETTINGS
    )
