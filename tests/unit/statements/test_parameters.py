"""What may be asked of statements, and what is said of the rest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import StrEnum
from urllib.parse import urlencode

import pytest
from fastapi import Request

from services.api.statements.parameters import (
    InvalidParameter,
    check_names,
    days,
    limit_of,
    name_of,
    period,
    wants_csv,
    word,
)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def asked(*parameters: tuple[str, str], accept: str | None = None) -> Request:
    headers = [] if accept is None else [(b"accept", accept.encode())]
    return Request({"type": "http", "query_string": urlencode(parameters).encode(), "headers": headers})


@pytest.mark.parametrize(
    ("name", "text", "at"),
    [
        ("from", "2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("to", "2026-11-20", datetime(2026, 11, 21, tzinfo=UTC)),
        ("from", "2026-11-20T09:15:00Z", datetime(2026, 11, 20, 9, 15, tzinfo=UTC)),
        ("to", "2026-11-20T09:15:00Z", datetime(2026, 11, 20, 9, 15, tzinfo=UTC)),
        ("to", "2026-11-20t09:15:00.25z", datetime(2026, 11, 20, 9, 15, 0, 250_000, tzinfo=UTC)),
        ("to", "2026-11-20T00:15:00+01:00", datetime(2026, 11, 19, 23, 15, tzinfo=UTC)),
        ("to", "2026-11-20T00:15:00 01:00", datetime(2026, 11, 19, 23, 15, tzinfo=UTC)),
    ],
)
def test_dates_and_times_are_read(name: str, text: str, at: datetime) -> None:
    assert at in period(asked((name, text)))


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "yesterday",
            "20261120",
            "2026-W47",
            "2026-02-30",
            "2026-11-20T09:15:00",
            "2026-11-20T25:00:00Z",
        ),
        *("9999-12-31", "9999-12-31T23:59:59-23:00", "0001-01-01T00:00:00+01:00", "٢٠٢٦-11-20", "0" * 5000),
    ],
)
def test_what_is_no_time_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidParameter, match=r"^to must be a date such as") as refused:
        period(asked(("to", text)))
    assert refused.value.details == {"field": "to"}


@pytest.mark.parametrize("until", ["2026-11-19", "2026-11-20T00:00:00Z"])
def test_a_period_that_is_empty_is_refused(until: str) -> None:
    with pytest.raises(InvalidParameter, match="from must be before to"):
        period(asked(("from", "2026-11-20"), ("to", until)))


def test_summaries_take_whole_days() -> None:
    assert days(asked(("from", "2026-11-20"), ("to", "2026-11-20"))) == (
        date(2026, 11, 20),
        date(2026, 11, 21),
    )
    assert days(asked(("to", "2026-11-20T01:00:00+01:00"))) == (None, date(2026, 11, 20))
    with pytest.raises(InvalidParameter, match="from must be the beginning of a day in UTC"):
        days(asked(("from", "2026-11-20T09:15:00Z")))


@pytest.mark.parametrize(
    ("format_", "accept", "csv"),
    [
        (None, None, False),
        (None, "*/*", False),
        (None, "text/csv", True),
        (None, "Text/CSV;q=0.9, */*;q=0.1", True),
        (None, "application/json, text/csv", False),
        ("csv", "application/json", True),
        ("json", "text/csv", False),
    ],
)
def test_csv_comes_where_it_is_asked_for(format_: str | None, accept: str | None, csv: bool) -> None:
    parameters = [] if format_ is None else [("format", format_)]
    assert wants_csv(asked(*parameters, accept=accept)) is csv


def _format(request: Request) -> object:
    return wants_csv(request)


def _names(request: Request) -> object:
    return check_names(request, {"from", "to"})  # type: ignore[func-returns-value]


def _model(request: Request) -> object:
    return name_of(request, "model")


def _colour(request: Request) -> object:
    return word(request, "colour", Colour)


@pytest.mark.parametrize(
    ("read", "parameters", "message"),
    [
        (_format, [("format", "xml")], "format must be one of: json, csv"),
        (_names, [("frm", "x")], "frm is no parameter here; there are from, to"),
        (_names, [("to", "x"), ("to", "y")], "to is given more than once"),
        (_model, [("model", "")], "model must have 1 to 100 printable characters"),
        (_model, [("model", "a" * 101)], "model must have 1 to 100 printable characters"),
        (_model, [("model", "a\0")], "model must have 1 to 100 printable characters"),
        (_colour, [("colour", "green")], "colour must be one of: red, blue"),
        *(
            (limit_of, [("limit", text)], "limit must be a whole number between 1 and 100")
            for text in ("0", "101", "-1", "1.5", "x", "", "٣", "1" * 5000)
        ),
    ],
)
def test_what_is_wrong_is_named(
    read: Callable[[Request], object], parameters: list[tuple[str, str]], message: str
) -> None:
    with pytest.raises(InvalidParameter) as refused:
        read(asked(*parameters))
    assert refused.value.message == message
    assert refused.value.status == 422


def test_what_is_not_given_has_its_default() -> None:
    nothing = asked()

    assert period(nothing) == (None, None)
    assert (limit_of(nothing), name_of(nothing, "model"), word(nothing, "colour", Colour)) == (20, None, None)
    check_names(nothing, ())
