"""What a failed attempt says about its route and its key. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from shared.providers.errors import ErrorClass
from shared.routing.health import Rest, key_on_route_subject, key_subject, route_subject

REST: Final[Mapping[ErrorClass, timedelta]] = {
    ErrorClass.RATE_LIMIT: timedelta(seconds=5),
    ErrorClass.QUOTA: timedelta(minutes=5),
    ErrorClass.CREDENTIAL: timedelta(minutes=5),
    ErrorClass.MODEL_GONE: timedelta(minutes=10),
}
"""How long something rests when the provider names no time of its own; then one attempt finds out."""

BREAKS: Final = frozenset({ErrorClass.TRANSIENT, ErrorClass.UNKNOWN, ErrorClass.SUBMIT_AMBIGUOUS})
"""Failures that a broken route would show."""

WORKS: Final = frozenset({ErrorClass.POLICY_REFUSAL, ErrorClass.CALLER_FAULT, ErrorClass.NO_OUTPUT})
"""Failures that only a working route can show."""


def rest_after(
    error_class: ErrorClass, route: str, key: str | None, retry_after: timedelta | None, now: datetime
) -> tuple[str, Rest] | None:
    """Who has to rest after this failure, and until when; None if nobody.

    A key that is refused or has no money rests on every route, one that was used too often on this one.
    """
    usual = REST.get(error_class)
    if usual is None:
        return None
    length = retry_after if error_class is ErrorClass.RATE_LIMIT and retry_after is not None else usual
    return _subject(error_class, route, key), Rest(now + length, error_class.value)


def _subject(error_class: ErrorClass, route: str, key: str | None) -> str:
    if key is None or error_class is ErrorClass.MODEL_GONE:
        return route_subject(route)
    return key_on_route_subject(key, route) if error_class is ErrorClass.RATE_LIMIT else key_subject(key)
