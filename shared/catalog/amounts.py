"""Amounts of money as a catalog writes them."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Final

from pydantic import AfterValidator

from shared.money import NANO_PER_USD, nano_from_usd

MOST_USD: Final = 1_000_000
"""Of one price: so that whatever a request costs is a number that a ledger can hold."""


def _exact(amount: str) -> str:
    nano = nano_from_usd(amount)
    if nano < 0:
        raise ValueError("a price is not negative")
    if nano > MOST_USD * NANO_PER_USD:
        raise ValueError(f"a price is at most {MOST_USD}; lower it")
    return amount


Usd = Annotated[str, AfterValidator(_exact)]
"""An amount in USD as text, such as "0.0160": exact, at most nine decimals."""


@lru_cache(maxsize=4096)
def nano_of(amount: str) -> int:
    """Nano-USD of an amount of a catalog: every request asks for the same few."""
    return nano_from_usd(amount)
