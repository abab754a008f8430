"""Lines of CSV (RFC 4180) that a spreadsheet shows and never runs. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_STARTS_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_AMOUNT: Final = re.compile(r"-?\$?[0-9]+(\.[0-9]+)?")
_QUOTED: Final = re.compile(r'[",\r\n]')


def csv_line(cells: Iterable[str | int | bool | None]) -> str:
    """One line with its end; None is an empty cell.

    Text that a spreadsheet would take for a formula gets an apostrophe before it; amounts stay as they are.
    """
    return ",".join(map(_cell, cells)) + "\r\n"


def _cell(value: str | int | bool | None) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = "" if value is None else str(value)
    if text.startswith(_STARTS_FORMULA) and not _AMOUNT.fullmatch(text):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text
