"""What clients send of webhook endpoints and deliveries, checked. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from services.api.errors import InvalidField
from shared.http import EgressPolicy, UnsafeAddress
from shared.webhooks.deliveries import DeliveryFilter
from shared.webhooks.endpoint import NewEndpoint
from shared.webhooks.events import EVENT_TYPES, EVERYTHING
from shared.webhooks.secrets import DEFAULT_OVERLAP, LONGEST_OVERLAP
from shared.webhooks.states import DeliveryState

DEFAULT_PAGE_SIZE: Final = 20
MOST_PAGE_SIZE: Final = 100
LONGEST_DESCRIPTION: Final = 500
_DELIVERY_ID: Final = re.compile(r"whd_[0-9a-z]{26}")
_LONGEST_NAME: Final = 100
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
_MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})")


class BadField(InvalidField):
    """A field is not as it must be"""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}")
        self.details = {"field": field}


def new_endpoint(content: Mapping[str, Any], egress: EgressPolicy) -> NewEndpoint:
    """`{"url", "events"?, "description"?}`. Raises BadField."""
    wanted = changes(content, egress)
    if "url" not in wanted:
        raise BadField("url", "is missing")
    return NewEndpoint(
        wanted["url"], tuple(wanted.get("events", (EVERYTHING,))), wanted.get("description", "")
    )


def changes(content: Mapping[str, Any], egress: EgressPolicy) -> dict[str, Any]:
    """Those of `url`, `events`, `description` and `enabled` that are there and not null. Raises BadField."""
    wanted: dict[str, Any] = {}
    for name, check in (("url", _url), ("events", _events), ("description", _text), ("enabled", _flag)):
        value = content.get(name)
        if value is not None:
            wanted[name] = check(name, value)
    if "url" in wanted:
        try:
            egress.check_url(wanted["url"])
        except UnsafeAddress as error:
            raise BadField("url", f"is not usable: {error.message}") from error
    return wanted


def overlap(content: Mapping[str, Any]) -> timedelta:
    """`{"overlap_seconds"?}`: how long the old secret stays valid. Raises BadField."""
    seconds = content.get("overlap_seconds")
    if seconds is None:
        return DEFAULT_OVERLAP
    most = int(LONGEST_OVERLAP.total_seconds())
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 <= seconds <= most:
        raise BadField("overlap_seconds", f"must be a whole number from 0 to {most}")
    return timedelta(seconds=seconds)


def again_since(content: Mapping[str, Any]) -> tuple[datetime, str | None]:
    """`{"since", "endpoint"?}`. Raises BadField."""
    since, endpoint = content.get("since"), content.get("endpoint")
    if not isinstance(since, str):
        raise BadField("since", "must be a time, such as 2027-01-31T12:00:00Z")
    if endpoint is not None and not isinstance(endpoint, str):
        raise BadField("endpoint", "must be an endpoint's id")
    return _moment("since", since), endpoint


def delivery_filter(query: Mapping[str, str]) -> DeliveryFilter:
    """`endpoint`, `event`, `state`, `task`, `from` and `to` of a query. Raises BadField."""
    state = query.get("state")
    if state is not None and state not in list(DeliveryState):
        raise BadField("state", f"must be one of {', '.join(DeliveryState)}")
    names = [query.get(name) for name in ("endpoint", "event", "task")]
    for name, value in zip(("endpoint", "event", "task"), names, strict=True):
        if value is not None and len(value) > _LONGEST_NAME:
            raise BadField(name, "is too long")
    since, until = query.get("from"), query.get("to")
    return DeliveryFilter(
        endpoint_id=names[0],
        event=names[1],
        state=None if state is None else DeliveryState(state),
        task_id=names[2],
        since=None if since is None else _moment("from", since),
        until=None if until is None else _moment("to", until),
    )


def page_of(query: Mapping[str, str]) -> tuple[int, str | None]:
    """`limit` and `cursor`. Raises BadField."""
    text, cursor = query.get("limit"), query.get("cursor")
    plain = text is None or (text.isascii() and text.isdigit() and len(text) < 10)
    limit = DEFAULT_PAGE_SIZE if text is None else int(text) if plain else 0
    if not 1 <= limit <= MOST_PAGE_SIZE:
        raise BadField("limit", f"must be a whole number from 1 to {MOST_PAGE_SIZE}")
    if cursor is not None and not _DELIVERY_ID.fullmatch(cursor):
        raise BadField("cursor", "must be the next_cursor of an earlier answer")
    return limit, cursor


def _url(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise BadField(name, "must be a string")
    return value


def _events(name: str, value: Any) -> list[str]:
    known = (EVERYTHING, *EVENT_TYPES)
    if not isinstance(value, list) or not value or not all(one in known for one in value):
        raise BadField(name, f"must be a list of one or more of {', '.join(known)}")
    return list(dict.fromkeys(value))


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_DESCRIPTION:
        raise BadField(name, f"must be a text of at most {LONGEST_DESCRIPTION} characters")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise BadField(name, "must be Unicode text") from error
    return value


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadField(name, "must be true or false")
    return value


def _moment(name: str, text: str) -> datetime:
    problem = "must be a time, such as 2027-01-31T12:00:00Z"
    if not _MOMENT.fullmatch(text) or not text.isascii():
        raise BadField(name, problem)
    try:
        at = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadField(name, problem) from error
    return min(max(at, _EARLIEST), _LATEST)
