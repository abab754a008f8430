"""What may stand in the query of a statement, a usage list or a summary."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from fastapi import Request

from services.api.errors import InvalidField

DEFAULT_LIMIT: Final = 20
MOST_LIMIT: Final = 100
MOST_TEXT: Final = 100
CSV: Final = "text/csv"
_LIMIT: Final = re.compile(r"[1-9][0-9]{0,2}")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_DAY: Final = timedelta(days=1)
Word = TypeVar("Word", bound=StrEnum)


class InvalidParameter(InvalidField):
    """A parameter is not as it must be"""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"{name} {what}")
        self.details = {"field": name}


class Order(StrEnum):
    """By time."""

    ASCENDING = "asc"
    DESCENDING = "desc"


class Format(StrEnum):
    """Of the answer."""

    JSON = "json"
    CSV = "csv"


def check_names(request: Request, known: Iterable[str]) -> None:
    """Raises InvalidParameter for a parameter that is not known or comes twice."""
    names = [name for name, _ in request.query_params.multi_items()]
    allowed = sorted(known)
    for name in names:
        if name not in allowed:
            raise InvalidParameter(name[:MOST_TEXT], f"is no parameter here; there are {', '.join(allowed)}")
        if names.count(name) > 1:
            raise InvalidParameter(name, "is given more than once")


def wants_csv(request: Request) -> bool:
    """By `format`, else by an `Accept` that names CSV and not JSON."""
    if "format" in request.query_params:
        return word(request, "format", Format) is Format.CSV
    accepted = {one.partition(";")[0].strip().lower() for one in request.headers.get("accept", "").split(",")}
    return CSV in accepted and "application/json" not in accepted


def word(request: Request, name: str, words: type[Word]) -> Word | None:
    """One of a few words."""
    given = request.query_params.get(name)
    if given is None:
        return None
    try:
        return words(given)
    except ValueError as error:
        raise InvalidParameter(name, f"must be one of: {', '.join(words)}") from error


def name_of(request: Request, name: str) -> str | None:
    """The name of a model, or an id."""
    given = request.query_params.get(name)
    if given is not None and not (0 < len(given) <= MOST_TEXT and given.isprintable()):
        raise InvalidParameter(name, f"must have 1 to {MOST_TEXT} printable characters")
    return given


def limit_of(request: Request) -> int:
    given = request.query_params.get("limit", str(DEFAULT_LIMIT))
    if not _LIMIT.fullmatch(given) or int(given) > MOST_LIMIT:
        raise InvalidParameter("limit", f"must be a whole number between 1 and {MOST_LIMIT}")
    return int(given)


def period(request: Request) -> tuple[datetime | None, datetime | None]:
    """From `from` on and before `to`, in UTC; as `to`, a date counts to its end."""
    given = request.query_params
    since = time_of("from", given["from"]) if "from" in given else None
    until = time_of("to", given["to"], whole_day=True) if "to" in given else None
    if since is not None and until is not None and since >= until:
        raise InvalidParameter("from", "must be before to")
    return since, until


def days(request: Request) -> tuple[date | None, date | None]:
    """The same in whole days (UTC): summaries are kept by day."""
    since, until = period(request)
    return _day("from", since), _day("to", until)


def _day(name: str, at: datetime | None) -> date | None:
    if at is None:
        return None
    if at != datetime(at.year, at.month, at.day, tzinfo=UTC):
        raise InvalidParameter(name, "must be the beginning of a day in UTC: summaries are kept by day")
    return at.date()


def time_of(name: str, given: str, *, whole_day: bool = False) -> datetime:
    """A date or a time in UTC; a date is its beginning, or the end of its whole day.

    Raises InvalidParameter.
    """
    # A plus sign in an address stands for a space.
    text = given.replace(" ", "+").upper()
    try:
        if _DATE.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC) + (_DAY if whole_day else timedelta())
        if _TIME.fullmatch(text):
            return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _no_time(name) from error
    raise _no_time(name)


def _no_time(name: str) -> InvalidParameter:
    return InvalidParameter(name, "must be a date such as 2026-11-20 or a time such as 2026-11-20T09:15:00Z")
