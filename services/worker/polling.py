"""When to ask a provider again. Pure."""

from __future__ import annotations

from shared.catalog.model import PollSchedule


def next_poll_seconds(schedule: PollSchedule, age_seconds: float, jitter: float) -> float:
    """The pause before the next poll of a job of this age; `jitter` is between -1 and 1.

    Short jobs are asked about often and long ones rarely, so that a poll comes late by a fixed share of the
    job's own time.
    """
    pause = min(max(age_seconds * schedule.factor, schedule.first_seconds), schedule.most_seconds)
    return pause * (1 + 0.1 * jitter)
