"""What comes off a price: first what is agreed with the account, then the coupon. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shared.catalog.terms import AccountTerms, CouponTerms
from shared.coupons.refusals import CouponRefused
from shared.money import usd_from_nano
from shared.tasks.model import Discount


class CouponDoesNotApply(CouponRefused):
    """This coupon does not apply to this request"""


def discounts_of(
    model: str, full_nano: int, account: AccountTerms, coupon: CouponTerms | None
) -> tuple[Discount, ...]:
    """Those of a request that costs so much without them. Raises CouponDoesNotApply."""
    percent = account.percent(model)
    discounts = (Discount(source="account", percent=percent),) if percent else ()
    if coupon is None:
        return discounts
    if coupon.models and model not in coupon.models:
        raise CouponDoesNotApply(coupon.code, "This coupon is for other models")
    if reduced(full_nano, discounts) < coupon.minimum_nano:
        least = usd_from_nano(coupon.minimum_nano, 9)
        raise CouponDoesNotApply(coupon.code, f"This coupon is for requests of at least {least} USD")
    taken = Discount(source="coupon", code=coupon.code, percent=coupon.percent, fixed_nano=coupon.fixed_nano)
    return (*discounts, taken)


def reduced(nano: int, discounts: Sequence[Discount]) -> int:
    """What is left to pay; never below 0."""
    return nano - sum(off for _, off in taken_off(nano, discounts)) if discounts else nano


def taken_off(nano: int, discounts: Sequence[Discount]) -> Iterator[tuple[Discount, int]]:
    """Each with what it takes off what the ones before it left. Percents are rounded down."""
    for discount in discounts:
        if discount.percent is not None:
            off = nano * discount.percent // 100
        else:
            off = min(nano, discount.fixed_nano or 0)
        nano -= off
        yield discount, off
