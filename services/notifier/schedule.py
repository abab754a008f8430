"""When a webhook is tried again. No I/O."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

DELAYS: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
"""From the end of each attempt to the next; the first attempt is made at once."""
MOST_ATTEMPTS: Final = len(DELAYS) + 1
JITTER: Final = 0.2
LONGEST_RETRY_AFTER: Final = timedelta(hours=10)
_MOST_DIGITS = 9


def next_delay(attempts_made: int, jitter: float, retry_after: timedelta | None = None) -> timedelta | None:
    """How long to wait after that many failed attempts; None when the schedule is over.

    `jitter` from -1 to 1 moves the delay by up to a fifth. A longer `retry_after` wins, up to ten hours.
    """
    if attempts_made >= MOST_ATTEMPTS:
        return None
    delay = DELAYS[attempts_made - 1] * (1 + JITTER * jitter)
    if retry_after is None:
        return delay
    return max(delay, min(retry_after, LONGEST_RETRY_AFTER))


def retry_after(header: str, now: datetime) -> timedelta | None:
    """The wait that a `Retry-After` header asks for, in seconds or as an HTTP date (RFC 9110 §10.2.3).

    None if it is neither.
    """
    text = header.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=int(text)) if len(text) <= _MOST_DIGITS else LONGEST_RETRY_AFTER
    try:
        date = parsedate_to_datetime(text)
        # A date without a zone is meant in UTC.
        return max(date.replace(tzinfo=date.tzinfo or UTC) - now, timedelta(0))
    except (ValueError, TypeError, OverflowError):
        return None
