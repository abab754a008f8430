"""A coupon as its operator made it: who may use it when, and what it takes off. Pure.

Collection `coupons`: `{_id: code, percent | fixed_nano, uses, uses_per_account, valid_from, valid_until,
models, minimum_nano, disabled, created_at, actor}`. Only `disabled` ever changes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from shared.catalog.terms import CouponTerms
from shared.coupons.refusals import CouponExpired, CouponInvalid
from shared.errors import HatcheryError
from shared.mongo import Document

MOST_USES: Final = 1_000_000_000
_CODE: Final = re.compile(r"[A-Z0-9_-]{1,32}")
_TOLD_LENGTH: Final = 64


class BrokenCoupon(HatcheryError):
    """A coupon cannot be made like this"""


@dataclass(frozen=True, slots=True)
class Coupon:
    """Exactly one of `percent` (1 to 100) and `fixed_nano` is set."""

    code: str
    percent: int | None = None
    fixed_nano: int | None = None
    uses: int | None = None
    """By all accounts together; None: as many as anybody wants."""
    uses_per_account: int = 1
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    """The moment from which it counts no more."""
    models: frozenset[str] = frozenset()
    """The catalog's own ids; empty: every model."""
    minimum_nano: int = 0
    """What a request must cost without it."""
    disabled: bool = False

    @property
    def terms(self) -> CouponTerms:
        """What it means for a price."""
        return CouponTerms(self.code, self.percent, self.fixed_nano, self.models, self.minimum_nano)

    def check(self) -> None:
        """Raises BrokenCoupon for one that should not be made."""
        if not _CODE.fullmatch(self.code):
            raise BrokenCoupon("a code has 1 to 32 characters of A-Z 0-9 _ -")
        if (self.percent is None) == (self.fixed_nano is None):
            raise BrokenCoupon("a coupon takes off either a percentage or an amount")
        if self.percent is not None and not 1 <= self.percent <= 100:
            raise BrokenCoupon("the percentage must be 1 to 100")
        if self.fixed_nano is not None and self.fixed_nano <= 0:
            raise BrokenCoupon("the amount must be more than 0")
        for uses in (self.uses, self.uses_per_account):
            if uses is not None and not 1 <= uses <= MOST_USES:
                raise BrokenCoupon(f"uses must be 1 to {MOST_USES}")
        if self.valid_from and self.valid_until and self.valid_from >= self.valid_until:
            raise BrokenCoupon("a coupon must become valid before it expires")
        if self.minimum_nano < 0:
            raise BrokenCoupon("the minimum must not be negative")

    def check_usable(self, now: datetime) -> None:
        """Whether it counts at all at this time. Raises CouponInvalid and CouponExpired."""
        if self.disabled:
            raise CouponInvalid(self.code, "This coupon is no longer accepted")
        if self.valid_from is not None and now < self.valid_from:
            raise CouponInvalid(self.code, "This coupon is not valid yet")
        if self.valid_until is not None and now >= self.valid_until:
            raise CouponExpired(self.code)

    def to_document(self, created_at: datetime, actor: str) -> Document:
        optional = {
            "percent": self.percent,
            "fixed_nano": self.fixed_nano,
            "uses": self.uses,
            "valid_from": self.valid_from,
            "valid_until": self.valid_until,
        }
        return {
            "_id": self.code,
            **{name: value for name, value in optional.items() if value is not None},
            "uses_per_account": self.uses_per_account,
            "models": sorted(self.models),
            "minimum_nano": self.minimum_nano,
            "disabled": self.disabled,
            "created_at": created_at,
            "actor": actor,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Coupon:
        return cls(
            code=document["_id"],
            percent=document.get("percent"),
            fixed_nano=document.get("fixed_nano"),
            uses=document.get("uses"),
            uses_per_account=document["uses_per_account"],
            valid_from=document.get("valid_from"),
            valid_until=document.get("valid_until"),
            models=frozenset(document["models"]),
            minimum_nano=document["minimum_nano"],
            disabled=document["disabled"],
        )


def code_of(given: str) -> str:
    """The code that a client means; small letters do too. Raises CouponInvalid for what cannot be one."""
    code = given.upper() if given.isascii() else ""
    if not _CODE.fullmatch(code):
        raise CouponInvalid(given[:_TOLD_LENGTH])
    return code
