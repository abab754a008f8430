"""Prices of the Aigenway dialect's bundles. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from shared.catalog.aigenway_offers import AigenwayOffer, Bundle, BundlePrice, Dimension, Pricing
from shared.catalog.amounts import nano_of
from shared.catalog.rate import PriceMissing, UnitRate, counted
from shared.catalog.sizes import below, platform_word, tier_word
from shared.catalog.units import Ladder, bands_of
from shared.tasks.model import TaskRequest

_UNITS: Final[Mapping[Pricing, str]] = {
    Pricing.PER_IMAGE: "image",
    Pricing.PER_SECOND: "second",
    Pricing.PER_REQUEST: "request",
}


def bundle_rate(offer: AigenwayOffer, bundle: Bundle, request: TaskRequest, now: datetime) -> UnitRate:
    """What counts now. Raises PriceMissing."""
    prices = offer.prices_at(now)
    price = _row(prices, offer.dimensions, bundle)
    if price is None or (offer.pricing is Pricing.PER_SECOND and request.duration_seconds is None):
        raise PriceMissing
    unit = _UNITS[offer.pricing]
    smaller = _smaller(prices, offer.dimensions, bundle) if unit == "image" else {}
    bands = bands_of(_ladder(price), smaller)
    words = ", ".join(bundle.values())
    return UnitRate(offer.model, unit, counted(unit, request), bands, nano_of(price.minimum_usd), words)


def _row(
    prices: Sequence[BundlePrice], dimensions: Sequence[Dimension], bundle: Bundle
) -> BundlePrice | None:
    """The price of exactly this bundle; None: there is none."""
    if len(bundle) != len(dimensions):
        return None
    for price in prices:
        if all(bundle.get(dimension.value) in price.words(dimension) for dimension in dimensions):
            return price
    return None


def _smaller(
    prices: Sequence[BundlePrice], dimensions: Sequence[Dimension], bundle: Bundle
) -> dict[str, Ladder]:
    """Prices of sizes below the one asked for: a smaller picture costs what its own size costs."""
    name = Dimension.RESOLUTION.value
    ladders = {}
    for tier in below(tier_word(bundle.get(name, ""))):
        price = _row(prices, dimensions, {**bundle, name: platform_word(tier)})
        if price is not None:
            ladders[tier] = _ladder(price)
    return ladders


def _ladder(price: BundlePrice) -> Ladder:
    return ((0, nano_of(price.usd)), *((step.above, nano_of(step.usd)) for step in price.steps))
