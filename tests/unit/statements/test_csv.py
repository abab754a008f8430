"""CSV files as they are sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.api.statements.csv import csv_text


class Rows:
    """So many rows; counts what was read."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.read = 0

    async def each(self) -> AsyncIterator[dict[str, Any]]:
        for number in range(self._count):
            self.read += 1
            yield {"b": f"row {number}", "ignored": "x"}


async def text_of(count: int, most: int = 10) -> str:
    return "".join([part async for part in csv_text(("a", "b"), Rows(count).each(), most)])


async def test_an_empty_file_has_its_header() -> None:
    assert await text_of(0) == "a,b\r\n"


async def test_cells_stand_under_their_names() -> None:
    assert await text_of(2) == "a,b\r\n,row 0\r\n,row 1\r\n"


@pytest.mark.parametrize(("count", "complete"), [(10, True), (11, False), (5000, False)])
async def test_a_file_that_is_cut_off_says_so_at_its_end(count: int, complete: bool) -> None:
    lines = (await text_of(count)).splitlines()

    assert lines[10] == ",row 9"
    assert lines[11:] == ([] if complete else ["error: cut off after 10 rows; ask for a shorter period"])


async def test_rows_are_read_as_the_file_is_sent() -> None:
    rows = Rows(100_000)
    parts = csv_text(("a", "b"), rows.each())
    await anext(parts)

    assert 0 < rows.read < 1000
