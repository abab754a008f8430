"""Why a coupon does not count. The codes are those of the Aigenway dialect's page "Errors"."""

from __future__ import annotations

from shared.errors import HatcheryError


class CouponRefused(HatcheryError):
    """This coupon cannot be used"""

    code, status = "coupon_invalid", 422

    def __init__(self, coupon: str, message: str | None = None) -> None:
        super().__init__(message)
        self.coupon = coupon
        self.details = {"coupon": coupon}


class CouponInvalid(CouponRefused):
    """There is no such coupon"""


class CouponExpired(CouponRefused):
    """This coupon has expired"""

    code, status = "coupon_expired", 422


class CouponAlreadyUsed(CouponRefused):
    """This account has used this coupon already"""

    code, status = "coupon_already_used", 422


class CouponUsedUp(CouponAlreadyUsed):
    """This coupon is used up"""
