"""Whose chain a chain is: an account's, in nano-USD, or a coupon's, in uses."""

from __future__ import annotations

from typing import Any, Final

COUPONS: Final = "coupon:"

OF_COUPONS: Final[dict[str, Any]] = {"account": {"$gte": COUPONS, "$lt": "coupon;"}}
"""The blocks of coupons in the `ledger` collection: `;` follows `:`."""


def is_account(chain_id: str) -> bool:
    """Whether a chain is an account's, and its amounts are money."""
    return not chain_id.startswith(COUPONS)


def coupon_chain(code: str) -> str:
    """All uses of a coupon."""
    return f"{COUPONS}{code}"


def coupon_chain_of(code: str, account_id: str) -> str:
    """The uses of a coupon by one account."""
    return f"{COUPONS}{code}:{account_id}"
