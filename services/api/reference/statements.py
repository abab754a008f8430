"""What statements of money have in common, whosever dialect they are in."""

from __future__ import annotations

from typing import Any

from services.api.reference.model import Content, Problem
from services.api.reference.parameters import query
from services.api.reference.schema import Schema, text, whole
from services.api.statements.parameters import (
    CSV,
    DEFAULT_LIMIT,
    MOST_LIMIT,
    MOST_TEXT,
    Format,
    InvalidParameter,
)

USD = r"^-?[0-9]+\.[0-9]{9}$"
_TIME = ["2026-11-20", "2026-11-20T09:15:00Z"]
FROM = query("from", "From this date (UTC) or time on.", text(examples=_TIME))
TO = query("to", "To the end of this date (UTC), or before this time.", text(examples=_TIME))
FORMAT = query(
    "format",
    "`csv` gives all that is asked for as a file of at most a million rows; so does `Accept: text/csv`. A "
    "file that was cut off says so in its last line.",
    text(enum=[one.value for one in Format], default=Format.JSON.value),
)
CURSOR = query("cursor", "The `next_cursor` of the page before.", text())
LIMIT = query("limit", "Of a page.", whole(minimum=1, maximum=MOST_LIMIT, default=DEFAULT_LIMIT))


def named(name: str, description: str) -> Schema:
    """A filter."""
    return query(name, description, text(minLength=1, maxLength=MOST_TEXT))


def bad_query(name: str, what: str) -> Problem:
    """A parameter that is wrong, given twice or unknown."""
    return Problem(InvalidParameter(name, what), "a parameter is wrong, unknown or given twice; it is named")


def usd(description: str = "") -> Schema:
    return text(description or "USD, exact.", pattern=USD)


def file_of(columns: tuple[str, ...], row: dict[str, Any]) -> Content:
    """The same as CSV; `row` is an example."""
    cells = ("" if row.get(name) is None else str(row[name]) for name in columns)
    shown = f"{','.join(columns)}\r\n{','.join(cells)}\r\n"
    return Content(text(), {"A file": shown}, CSV)
