"""How long a provider asks us to wait."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST: Final = timedelta(hours=1)
"""No answer cools a route for longer: a wrong clock or a typing error at the provider must not disable it."""

_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_IN_TEXT: Final = re.compile(
    r"\b(?:in|after)\s+~?\s*(\d{1,9}(?:\.\d{1,6})?)\s*(ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?)\b",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(r"\s*\d{1,12}(?:\.\d{1,9})?\s*", re.ASCII)


def retry_after(headers: Mapping[str, str], text: str, now: datetime) -> timedelta | None:
    """The delay of an answer: `retry-after-ms`, then `Retry-After` (seconds or HTTP date), then the text.

    `text` is searched for such phrases as "available in 1 second" and "resets in ~30s". At most an hour.
    """
    header = headers.get("Retry-After")
    candidates = (
        _number(headers.get("retry-after-ms"), 0.001),
        _number(header, 1.0),
        _date(header, now),
        _phrase(text),
    )
    delay = next((candidate for candidate in candidates if candidate is not None), None)
    return min(delay, LONGEST) if delay is not None else None


def _number(value: str | None, unit_seconds: float) -> timedelta | None:
    if value is None or not _NUMBER.fullmatch(value):
        return None
    return timedelta(seconds=min(float(value) * unit_seconds, LONGEST.total_seconds()))


def _date(value: str | None, now: datetime) -> timedelta | None:
    if value is None:
        return None
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(moment - now, timedelta(0))


def _phrase(text: str) -> timedelta | None:
    match = _IN_TEXT.search(text)
    if match is None:
        return None
    unit = match[2].lower()
    per_unit = _SECONDS["ms" if unit.startswith(("ms", "milli")) else unit[0]]
    return timedelta(seconds=min(float(match[1]) * per_unit, LONGEST.total_seconds()))
