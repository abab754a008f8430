"""When to ask a provider again. Pure."""

from __future__ import annotations

from shared.catalog.model import PollSchedule

_EARLY = 0.9
"""Jobs differ: the first look at one that is expected to be finished comes a little before its usual time."""


def next_poll_seconds(
    schedule: PollSchedule, age_seconds: float, usual_seconds: float | None, jitter: float
) -> float:
    """The pause before the next poll of a job of this age; `jitter` is between -1 and 1.

    A job of a route whose jobs usually take so long is first asked about shortly before that time, then at
    intervals that grow with how much it is late. Without experience the intervals grow with its age. Either
    way a poll comes late by a small share of the job's own time, and no pause is longer than `most_seconds`:
    one job in many is much quicker than the others.
    """
    expected = _EARLY * usual_seconds if usual_seconds is not None else 0.0
    if age_seconds < expected:
        pause = max(expected - age_seconds, schedule.first_seconds)
    else:
        late = age_seconds - expected
        floor = max(schedule.first_seconds, 0.1 * expected)
        pause = max(late * schedule.factor, floor)
    return min(pause, schedule.most_seconds) * (1 + 0.1 * jitter)
