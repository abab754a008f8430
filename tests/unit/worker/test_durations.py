"""What a worker learns of how long jobs take."""

from __future__ import annotations

from services.worker.durations import REMEMBERED, Durations


def test_nothing_is_known_of_a_route_before_its_first_job() -> None:
    durations = Durations()
    durations.learn("fal:banana", 3)

    assert durations.usual("replicate:banana") is None
    assert durations.usual("fal:banana") == 3


def test_one_job_out_of_the_ordinary_does_not_change_what_is_usual() -> None:
    durations = Durations()
    for seconds in (4, 5, 900, 4.5, 5.5):
        durations.learn("fal:banana", seconds)

    assert durations.usual("fal:banana") == 5


def test_only_the_latest_jobs_count() -> None:
    durations = Durations()
    for seconds in (60,) * REMEMBERED + (10,) * REMEMBERED:
        durations.learn("fal:banana", seconds)

    assert durations.usual("fal:banana") == 10
