"""Amounts of money as a catalog writes them."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator

from shared.money import nano_from_usd


def _exact(amount: str) -> str:
    if Decimal(nano_from_usd(amount)) < 0:
        raise ValueError("a price is not negative")
    return amount


Usd = Annotated[str, AfterValidator(_exact)]
"""An amount in USD as text, such as "0.0160": exact, at most nine decimals."""
