"""What webhook endpoints can be told of. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from shared.account_events import AccountEventType


class TaskEventType(StrEnum):
    """The ends of tasks, in our own words, whatever the dialect of the task."""

    COMPLETED = "task.completed"
    FAILED = "task.failed"
    CANCELLED = "task.cancelled"


EVERYTHING: Final = "*"
"""Stands for all events, also those that later versions bring."""
EVENT_TYPES: Final[tuple[str, ...]] = (*TaskEventType, *AccountEventType)


def wants(events: Sequence[str], event: str) -> bool:
    """Whether an endpoint with this filter is told of an event."""
    return EVERYTHING in events or event in events
