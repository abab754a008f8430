"""When a job is asked about again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.worker.polling import next_poll_seconds
from shared.catalog.model import PollSchedule

SCHEDULE = PollSchedule(first_seconds=0.05, factor=0.2, most_seconds=5)


@pytest.mark.parametrize(
    ("age", "pause"),
    [(0, 0.05), (0.1, 0.05), (0.25, 0.05), (1, 0.2), (10, 2), (25, 5), (26, 5), (3_600, 5)],
)
def test_the_pause_grows_with_the_age_between_its_bounds(age: float, pause: float) -> None:
    assert next_poll_seconds(SCHEDULE, age, 0) == pytest.approx(pause)


@pytest.mark.parametrize(("jitter", "share"), [(-1, 0.9), (0, 1), (0.5, 1.05), (1, 1.1)])
def test_jitter_moves_a_pause_by_at_most_a_tenth(jitter: float, share: float) -> None:
    assert next_poll_seconds(SCHEDULE, 10, jitter) == pytest.approx(2 * share)


@given(age=st.floats(0, 10**6), jitter=st.floats(-1, 1))
def test_a_pause_is_never_shorter_or_longer_than_the_schedule_and_its_jitter(
    age: float, jitter: float
) -> None:
    assert next_poll_seconds(SCHEDULE, age, jitter) * 1.000001 >= 0.05 * 0.9
    assert next_poll_seconds(SCHEDULE, age, jitter) <= 5 * 1.1 * 1.000001
