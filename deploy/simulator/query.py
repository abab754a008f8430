"""Numbers in query strings."""

from __future__ import annotations

from collections.abc import Mapping


class QueryError(ValueError):
    """A query parameter is out of range or no number; the message names it."""


def whole_number(query: Mapping[str, str], name: str, default: int, *, low: int, high: int) -> int:
    """The parameter as an integer between `low` and `high`. Raises QueryError."""
    text = query.get(name)
    if text is None:
        return default
    try:
        number = int(text)
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        raise QueryError(f"{name}: {text!r} is not a whole number from {low} to {high}")
    return number
