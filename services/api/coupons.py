"""Coupons as requests name them."""

from __future__ import annotations

from shared.clock import Clock
from shared.coupons.coupon import Coupon, code_of
from shared.coupons.refusals import CouponInvalid
from shared.coupons.store import Coupons
from shared.coupons.uses import CouponUses


class CouponReader:
    """Finds coupons that a request may count on. It takes no use."""

    def __init__(self, coupons: Coupons, uses: CouponUses, clock: Clock) -> None:
        self._coupons = coupons
        self._uses = uses
        self._clock = clock

    async def usable(self, given: str, account_id: str) -> Coupon:
        """The coupon that a client names.

        Raises CouponInvalid, CouponExpired, CouponAlreadyUsed and CouponUsedUp.
        """
        code = code_of(given)
        coupon = await self._coupons.find(code)
        if coupon is None:
            raise CouponInvalid(code)
        coupon.check_usable(self._clock.now())
        await self._uses.check(coupon, account_id)
        return coupon
