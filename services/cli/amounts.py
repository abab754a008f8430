"""Amounts of money as operators type them."""

from __future__ import annotations

from typing import Final

from services.cli.context import fail
from shared.money import nano_from_usd, usd_from_nano

MOST_NANO: Final = nano_from_usd("1000000000")


def positive_nano(text: str) -> int:
    """Nano-USD of an amount in USD; anything but more than nothing and at most MOST_NANO ends the command."""
    try:
        nano = nano_from_usd(text)
    except ValueError as error:
        fail(str(error))
    if not 0 < nano <= MOST_NANO:
        fail(f"the amount must be more than 0 and at most {usd_from_nano(MOST_NANO, 0)} USD")
    return nano
