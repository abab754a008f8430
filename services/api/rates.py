"""How often somebody may ask: the generic cell rate algorithm, in whole microseconds. Pure.

One number tells everything: the time at which the caller would have used up what came before if it had asked
evenly (`tat`, "theoretical arrival time"; ITU-T I.371, annex A). Times are microseconds since the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = 1_000_000
_MINUTE: Final = 60 * _SECOND
MOST_PER_MINUTE: Final = _MINUTE
"""One a microsecond."""


@dataclass(frozen=True, slots=True)
class Pace:
    """`burst` requests at once, and one more after every interval."""

    burst: int
    interval_us: int

    @classmethod
    def per_minute(cls, requests: int) -> Self:
        """The whole minute's requests may come at once; then they come back evenly."""
        burst = min(requests, MOST_PER_MINUTE)
        return cls(burst, _MINUTE // burst)

    @classmethod
    def per_second(cls, requests: int) -> Self:
        """The same for a second."""
        burst = min(requests, _SECOND)
        return cls(burst, _SECOND // burst)


@dataclass(frozen=True, slots=True)
class Taken:
    """The first `admitted` requests of a group may come in; `tat_us` is what to remember."""

    admitted: int
    tat_us: int


def take(pace: Pace, tat_us: int, now_us: int, wanted: int) -> Taken:
    """As many of a group's requests as there is room for."""
    start = max(tat_us, now_us)
    room = (now_us + pace.burst * pace.interval_us - start) // pace.interval_us
    admitted = max(0, min(wanted, room))
    return Taken(admitted, start + admitted * pace.interval_us)


@dataclass(frozen=True, slots=True)
class Rate:
    """What one request was told: whether it may come in, and what is left after it."""

    allowed: bool
    limit: int
    remaining: int
    retry_after_us: int
    reset_us: int
    """Until everything is back."""

    @property
    def retry_after_seconds(self) -> int:
        """Whole seconds, at least one."""
        return max(1, -(-self.retry_after_us // _SECOND))

    def headers(self) -> dict[str, str]:
        """Under the names and in the form that OpenAI uses: a number, a number, and `1s` or `6m0s`."""
        return {
            "x-ratelimit-limit-requests": str(self.limit),
            "x-ratelimit-remaining-requests": str(self.remaining),
            "x-ratelimit-reset-requests": duration_text(self.reset_us),
        }


def rate_of(pace: Pace, tat_us: int, now_us: int, allowed: bool) -> Rate:
    """What a request is told after which `tat_us` is remembered."""
    used_us = max(0, tat_us - now_us)
    remaining = max(0, (pace.burst * pace.interval_us - used_us) // pace.interval_us)
    retry_us = 0 if allowed else opens_at(pace, tat_us) - now_us
    return Rate(allowed, pace.burst, remaining, retry_us, used_us)


def opens_at(pace: Pace, tat_us: int) -> int:
    """When there is room for one more."""
    return tat_us - (pace.burst - 1) * pace.interval_us


def duration_text(microseconds: int) -> str:
    """`850ms`, `12s`, `6m0s`: whole seconds from one on, rounded up."""
    if microseconds < _SECOND:
        return f"{-(-microseconds // 1000)}ms"
    minutes, seconds = divmod(-(-microseconds // _SECOND), 60)
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"


def microseconds(at: datetime) -> int:
    """Since the epoch."""
    return (at - _EPOCH) // timedelta(microseconds=1)
