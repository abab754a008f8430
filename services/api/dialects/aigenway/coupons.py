"""The field `coupon` of estimates and generations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.api.coupons import CouponReader
from services.api.dialects.aigenway.errors import InvalidRequest
from shared.coupons.coupon import Coupon


async def coupon_of(body: Mapping[str, Any], account_id: str, coupons: CouponReader) -> Coupon | None:
    """The coupon that a body names.

    Raises InvalidRequest, CouponInvalid, CouponExpired, CouponAlreadyUsed and CouponUsedUp.
    """
    code = body.get("coupon")
    if code is None:
        return None
    if not isinstance(code, str):
        raise InvalidRequest("coupon must be a string", {"field": "coupon"})
    return await coupons.usable(code, account_id)
