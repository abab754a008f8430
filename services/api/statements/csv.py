"""CSV of any length: read and sent line by line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final

from fastapi.responses import StreamingResponse

from services.api.statements.parameters import CSV
from shared.csv_lines import csv_line

MOST_ROWS: Final = 1_000_000
_LINES_AT_ONCE: Final = 200


def csv_answer(name: str, columns: Sequence[str], rows: AsyncIterator[dict[str, Any]]) -> StreamingResponse:
    """A file called `name.csv` with a header line; cells by their columns, empty where a row has none."""
    return StreamingResponse(
        csv_text(columns, rows),
        media_type=CSV,
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


async def csv_text(
    columns: Sequence[str], rows: AsyncIterator[dict[str, Any]], most: int = MOST_ROWS
) -> AsyncIterator[str]:
    """The file in parts. What is longer than `most` rows ends with a line that says so."""
    lines, number = [csv_line(columns)], 0
    async for row in rows:
        if number == most:
            lines.append(csv_line([f"error: cut off after {most} rows; ask for a shorter period"]))
            break
        number += 1
        lines.append(csv_line(row.get(column) for column in columns))
        if len(lines) >= _LINES_AT_ONCE:
            yield "".join(lines)
            lines.clear()
    yield "".join(lines)


async def each(rows: Iterable[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    """Rows that are there already."""
    for row in rows:
        yield row
