"""The arithmetic of rate limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.rates import Pace, duration_text, opens_at, rate_of, take

SECOND = 1_000_000
NOON = 1_773_489_600 * SECOND


def test_a_whole_minutes_requests_may_come_at_once_and_then_come_back_evenly() -> None:
    pace = Pace.per_minute(60)
    first = take(pace, 0, NOON, 200)
    assert first.admitted == 60
    assert take(pace, first.tat_us, NOON, 1).admitted == 0
    assert take(pace, first.tat_us, NOON + SECOND - 1, 1).admitted == 0
    assert take(pace, first.tat_us, NOON + SECOND, 5).admitted == 1
    assert take(pace, first.tat_us, NOON + 30 * SECOND, 200).admitted == 30
    assert take(pace, first.tat_us, NOON + 3600 * SECOND, 200).admitted == 60


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    pace = Pace.per_minute(60)
    used = take(pace, 0, NOON, 60)
    assert take(pace, used.tat_us, NOON - 10 * SECOND, 60).admitted == 0


def test_a_limit_of_one_and_the_highest_one_can_be_reckoned_with() -> None:
    assert take(Pace.per_minute(1), 0, NOON, 9).admitted == 1
    assert take(Pace.per_minute(10**12), 0, NOON, 9).admitted == 9
    assert take(Pace.per_second(100), 0, NOON, 1000).admitted == 100


def test_who_is_refused_is_told_when_there_is_room_again() -> None:
    pace = Pace.per_minute(6)
    used = take(pace, 0, NOON, 7)
    rate = rate_of(pace, used.tat_us, NOON, allowed=False)
    assert (rate.allowed, rate.remaining, rate.retry_after_seconds) == (False, 0, 10)
    assert opens_at(pace, used.tat_us) == NOON + 10 * SECOND
    assert take(pace, used.tat_us, NOON + 10 * SECOND, 1).admitted == 1


def test_who_comes_in_is_told_what_is_left_in_openais_words() -> None:
    pace = Pace.per_minute(60)
    rate = rate_of(pace, take(pace, 0, NOON, 1).tat_us, NOON, allowed=True)
    assert rate.headers() == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1s",
    }


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [(0, "0ms"), (1, "1ms"), (10_000, "10ms"), (SECOND, "1s"), (SECOND + 1, "2s"), (60 * SECOND, "1m0s")],
)
def test_durations_are_written_as_openai_does(microseconds: int, text: str) -> None:
    assert duration_text(microseconds) == text


@given(
    st.integers(1, 5000),
    st.lists(st.tuples(st.integers(0, 5 * SECOND), st.integers(1, 300)), max_size=40),
)
def test_no_stretch_of_time_admits_more_than_a_burst_and_what_came_back(
    limit: int, groups: list[tuple[int, int]]
) -> None:
    pace, tat, now = Pace.per_minute(limit), 0, NOON
    admitted: list[tuple[int, int]] = []
    for pause, wanted in groups:
        now += pause
        taken = take(pace, tat, now, wanted)
        assert 0 <= taken.admitted <= wanted
        tat = taken.tat_us
        admitted.append((now, taken.admitted))
    for start, (began, _) in enumerate(admitted):
        total = 0
        for at, count in admitted[start:]:
            total += count
            assert total <= pace.burst + (at - began) // pace.interval_us + 1


@given(st.integers(1, 200), st.integers(1, 300), st.integers(1, 300))
def test_a_group_is_admitted_like_its_requests_one_by_one(limit: int, first: int, second: int) -> None:
    pace = Pace.per_minute(limit)
    together = take(pace, take(pace, 0, NOON, first).tat_us, NOON, second)
    tat, alone = 0, 0
    for number in range(first + second):
        one = take(pace, tat, NOON, 1)
        tat = one.tat_us
        alone += one.admitted if number >= first else 0
    assert (together.admitted, together.tat_us) == (alone, tat)
