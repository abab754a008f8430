"""Which prices of a catalog a request falls under. Pure."""

from __future__ import annotations

from datetime import datetime

from shared.catalog.aigenway_offers import Pricing
from shared.catalog.amounts import nano_of
from shared.catalog.bundle_rates import bundle_rate
from shared.catalog.model import Catalog, ModelEntry
from shared.catalog.prices import ImagePrice, Rate, TokenPrice, TokenRate, VideoPrice
from shared.catalog.rate import (
    CreditOffer,
    DurationNeeded,
    ModelOffer,
    NotPricedByRequest,
    Offer,
    PriceMissing,
    TokensRate,
    UnitRate,
    counted,
)
from shared.catalog.sizes import below
from shared.catalog.units import Ladder, bands_of
from shared.providers.capabilities import Kind
from shared.tasks.model import TaskRequest, TokenPrices, TokenStep


def rate_of(offer: Offer, request: TaskRequest, catalog: Catalog, now: datetime) -> UnitRate | TokensRate:
    """What counts now. Raises PriceMissing, NotPricedByRequest and DurationNeeded."""
    if isinstance(offer, ModelOffer):
        return _model_rate(offer.model, catalog.models[offer.model], request, now)
    if isinstance(offer, CreditOffer):
        return _credit_rate(offer.public_id, request, catalog, now)
    sold = catalog.aigenway.offers[offer.offer_id]
    if sold.pricing is Pricing.PER_TOKEN:
        return _token_rate(sold.model, catalog.models[sold.model], now)
    return bundle_rate(sold, offer.bundle, request, now)


def _model_rate(model: str, entry: ModelEntry, request: TaskRequest, now: datetime) -> UnitRate:
    price = entry.price_at(now)
    if isinstance(price, TokenPrice):
        raise NotPricedByRequest
    if isinstance(price, VideoPrice) and request.duration_seconds is None:
        raise DurationNeeded
    resolution, quality = request.resolution, request.quality
    smaller = {tier: _ladder(price, tier, quality) for tier in below(resolution)}
    return UnitRate(
        model,
        price.per,
        counted(price.per, request),
        bands_of(_ladder(price, resolution, quality), smaller),
        nano_of(price.minimum_usd),
        ", ".join(word for word in (quality, resolution) if word),
    )


def _ladder(price: ImagePrice | VideoPrice, resolution: str | None, quality: str | None) -> Ladder:
    def nano(rate: Rate) -> int:
        return nano_of(rate.of_quality(quality).at(resolution))

    return ((0, nano(price)), *((step.above, nano(step)) for step in price.steps))


def _credit_rate(public_id: str, request: TaskRequest, catalog: Catalog, now: datetime) -> UnitRate:
    offer = catalog.openai[public_id]
    unit_nano = offer.credits_at(now) * nano_of(catalog.credit_usd)
    unit = "image" if catalog.models[offer.model].kind is Kind.IMAGE else "request"
    return UnitRate(offer.model, unit, counted(unit, request), bands_of(((0, unit_nano),), {}))


def _token_rate(model: str, entry: ModelEntry, now: datetime) -> TokensRate:
    price = entry.price_at(now)
    if not isinstance(price, TokenPrice):
        raise PriceMissing
    steps = tuple(TokenStep(above=step.above, prices=_token_prices(step)) for step in price.steps)
    return TokensRate(model, _token_prices(price), steps, nano_of(price.minimum_usd))


def _token_prices(rate: TokenRate) -> TokenPrices:
    return TokenPrices(
        input_nano=nano_of(rate.usd_per_million_input),
        output_nano=nano_of(rate.usd_per_million_output or "0"),
        cached_input_nano=nano_of(rate.usd_per_million_cached_input or rate.usd_per_million_input),
    )
