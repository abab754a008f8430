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
def test_without_experience_the_pause_grows_with_the_age_between_its_bounds(age: float, pause: float) -> None:
    assert next_poll_seconds(SCHEDULE, age, None, 0) == pytest.approx(pause)


@pytest.mark.parametrize(
    ("age", "usual", "pause"),
    [
        (0, 2, 1.8),  # a little before its usual time
        (1, 2, 0.8),
        (1.79, 2, 0.05),
        (1.8, 2, 0.18),  # from then on a tenth of what was expected…
        (2.5, 2, 0.18),
        (4.8, 2, 0.6),  # …or a share of how late it is
        (60, 2, 5),
        (0, 60, 5),
        (52, 60, 2),
        (0, 0.01, 0.05),
    ],
)
def test_with_experience_a_job_is_asked_about_shortly_before_its_usual_time_and_then_by_its_lateness(
    age: float, usual: float, pause: float
) -> None:
    assert next_poll_seconds(SCHEDULE, age, usual, 0) == pytest.approx(pause)


@pytest.mark.parametrize(("jitter", "share"), [(-1, 0.9), (0, 1), (0.5, 1.05), (1, 1.1)])
def test_jitter_moves_a_pause_by_at_most_a_tenth(jitter: float, share: float) -> None:
    assert next_poll_seconds(SCHEDULE, 10, None, jitter) == pytest.approx(2 * share)


@given(
    age=st.floats(0, 10**6),
    usual=st.none() | st.floats(0, 10**6),
    jitter=st.floats(-1, 1),
)
def test_a_pause_is_never_shorter_or_longer_than_the_schedule_and_its_jitter(
    age: float, usual: float | None, jitter: float
) -> None:
    pause = next_poll_seconds(SCHEDULE, age, usual, jitter)

    assert 0.05 * 0.9 * 0.999999 <= pause <= 5 * 1.1 * 1.000001


@given(usual=st.floats(0, 10**4), share_of_most=st.floats(0, 1))
def test_a_job_is_asked_about_late_by_at_most_a_fifth_of_its_time_and_the_first_pause(
    usual: float, share_of_most: float
) -> None:
    finishes = usual * (0.9 + 0.2 * share_of_most)
    age = 0.0
    while age < finishes:
        age += next_poll_seconds(SCHEDULE, age, usual, 0)

    assert age - finishes <= 0.2 * usual + SCHEDULE.first_seconds + 1e-6
