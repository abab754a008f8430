"""What is agreed with one account, and what a coupon promises: the parts of a price that no catalog has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

EVERY_MODEL: Final = "*"


@dataclass(frozen=True, slots=True)
class AccountTerms:
    """Discounts of an account: whole percents, by the catalog's own model ids; `*` is for all the others."""

    discounts: Mapping[str, int] = field(default_factory=dict)

    def percent(self, model: str) -> int:
        """0 to 100."""
        return self.discounts.get(model, self.discounts.get(EVERY_MODEL, 0))


@dataclass(frozen=True, slots=True)
class CouponTerms:
    """A coupon that may be used now: exactly one of `percent` (1 to 100) and `fixed_nano` is set."""

    code: str
    percent: int | None = None
    fixed_nano: int | None = None
    models: frozenset[str] = frozenset()
    """The catalog's own ids; empty: every model."""
    minimum_nano: int = 0
    """What the request must cost without it."""
