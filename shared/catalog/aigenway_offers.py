"""What the Aigenway dialect offers: methods of its providers' models, with prices for bundles of options.

Source: the platform's guides ("Kling video", bundle pricing) and its method pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from itertools import product

from pydantic import BaseModel, ConfigDict, Field

from shared.catalog.amounts import Usd
from shared.catalog.changes import Instant, latest
from shared.catalog.prices import Above

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


class BundleStep(_Entry):
    """What each image or second beyond the first so many of one request costs."""

    above: Above
    usd: Usd


class BundlePrice(_Entry):
    """USD per image, second or request, for every combination of the words given."""

    mode: tuple[str, ...] = ()
    resolution: tuple[str, ...] = ()
    duration: tuple[str, ...] = ()
    usd: Usd
    steps: tuple[BundleStep, ...] = ()
    minimum_usd: Usd = "0"
    """What a request that delivered something costs at least."""

    def words(self, dimension: Dimension) -> tuple[str, ...]:
        if dimension is Dimension.MODE:
            return self.mode
        return self.resolution if dimension is Dimension.RESOLUTION else self.duration

    def bundles(self, dimensions: tuple[Dimension, ...]) -> list[dict[str, str]]:
        """Every bundle that has this price."""
        words = [self.words(dimension) for dimension in dimensions]
        names = [dimension.value for dimension in dimensions]
        return [dict(zip(names, chosen, strict=True)) for chosen in product(*words)]


class BundleChange(_Entry):
    """All prices of an offer anew, from a moment on."""

    effective_at: Instant
    prices: tuple[BundlePrice, ...] = Field(min_length=1)


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
    changes: tuple[BundleChange, ...] = ()
    """In the order of their times."""

    def prices_at(self, now: datetime) -> tuple[BundlePrice, ...]:
        """With the changes that count already."""
        change = latest(self.changes, now)
        return self.prices if change is None else change.prices


class Aigenway(_Entry):
    """All of this dialect's part of a catalog."""

    offers: dict[str, AigenwayOffer] = Field(default_factory=dict)
    """By `provider/model/method`."""
