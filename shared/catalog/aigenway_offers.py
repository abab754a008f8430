"""What the Aigenway dialect offers: methods of its providers' models, with prices for bundles of options.

Source: the platform's guides ("Kling video", bundle pricing) and its method pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from itertools import product

from pydantic import BaseModel, ConfigDict, Field

from shared.catalog.amounts import Usd

Bundle = Mapping[str, str]
"""The words that a price is looked up by, such as `{"mode": "pro", "resolution": "1080p"}`."""


class Dimension(StrEnum):
    """What a price may depend on."""

    MODE = "mode"
    RESOLUTION = "resolution"
    DURATION = "duration"


class Pricing(StrEnum):
    """What is counted."""

    PER_IMAGE = "PER_IMAGE"
    PER_SECOND = "PER_SECOND"
    PER_REQUEST = "PER_REQUEST"
    PER_TOKEN = "PER_TOKEN"  # noqa: S105 - no password
    """At the prices of the model itself."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BundlePrice(_Entry):
    """USD per image, second or request, for every combination of the words given."""

    mode: tuple[str, ...] = ()
    resolution: tuple[str, ...] = ()
    duration: tuple[str, ...] = ()
    usd: Usd

    def words(self, dimension: Dimension) -> tuple[str, ...]:
        return {
            Dimension.MODE: self.mode,
            Dimension.RESOLUTION: self.resolution,
            Dimension.DURATION: self.duration,
        }[dimension]

    def bundles(self, dimensions: tuple[Dimension, ...]) -> list[dict[str, str]]:
        """Every bundle that has this price."""
        words = [self.words(dimension) for dimension in dimensions]
        names = [dimension.value for dimension in dimensions]
        return [dict(zip(names, chosen, strict=True)) for chosen in product(*words)]


class AigenwayOffer(_Entry):
    """One method of one model of one provider, as this dialect names them."""

    model: str
    """The catalog's own id of what is sold."""
    parameters: str
    """The table of parameters that its requests follow."""
    pricing: Pricing
    dimensions: tuple[Dimension, ...] = ()
    """What the price depends on; a request whose bundle has no price is turned down."""
    prices: tuple[BundlePrice, ...] = ()
    """Empty exactly for PER_TOKEN."""

    def usd(self, bundle: Bundle) -> str | None:
        """The price of exactly this bundle; None: there is none."""
        return next(
            (price.usd for price in self.prices for one in price.bundles(self.dimensions) if one == bundle),
            None,
        )


class Coupon(_Entry):
    """A code that makes requests cheaper."""

    percent: int = Field(ge=1, le=100, strict=True)
    until: date | None = None
    """The last day on which it counts, in UTC."""


class Aigenway(_Entry):
    """All of this dialect's part of a catalog."""

    coupons: dict[str, Coupon] = Field(default_factory=dict)
    offers: dict[str, AigenwayOffer] = Field(default_factory=dict)
    """By `provider/model/method`."""
