"""How far back a command looks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.cli.attempts import parse_since


@pytest.mark.parametrize(
    ("text", "age"),
    [("90m", timedelta(minutes=90)), ("24h", timedelta(hours=24)), ("7d", timedelta(days=7))],
)
def test_a_number_and_a_unit_are_a_time(text: str, age: timedelta) -> None:
    assert parse_since(text) == age


@pytest.mark.parametrize(
    "text", ["", "h", "24", "0h", "-1h", "1.5h", "24H", "24 h", "24h\n", "1w", "٣h", "9" * 30 + "d"]
)
def test_anything_else_is_none(text: str) -> None:
    assert parse_since(text) is None
