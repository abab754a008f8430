"""Changes that are announced: from when on something new counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Protocol, TypeVar

from pydantic import BeforeValidator


def _instant(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        at = None
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise ValueError("write a time with its zone, such as 2027-01-31T00:00:00Z")
    return at.astimezone(UTC)


Instant = Annotated[datetime, BeforeValidator(_instant)]
"""A moment, such as 2027-01-31T00:00:00Z; kept in UTC."""


class Change(Protocol):
    """Something new that counts from a moment on."""

    @property
    def effective_at(self) -> datetime: ...


C = TypeVar("C", bound=Change)


def latest(changes: Sequence[C], now: datetime) -> C | None:
    """The last one that counts already, of changes in the order of their times; None: none does."""
    found = None
    for change in changes:
        if change.effective_at > now:
            break
        found = change
    return found
