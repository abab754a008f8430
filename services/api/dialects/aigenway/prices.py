"""What a request costs: one pure function for estimates and generations alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.api.dialects.aigenway.errors import PriceNotConfigured
from services.api.dialects.aigenway.targets import Target
from shared.catalog.aigenway_offers import Dimension, Pricing
from shared.catalog.model import TokenPrice
from shared.catalog.price import flat_quote, token_cost, token_quote
from shared.catalog.sizes import is_smaller
from shared.catalog.terms import CouponTerms
from shared.money import nano_from_usd
from shared.tasks.model import Quote, TaskRequest, TokenPrices, Tokens


@dataclass(frozen=True, slots=True)
class MostTokens:
    """The most that a text request may take."""

    input: int
    output: int


@dataclass(frozen=True, slots=True)
class Priced:
    """The quote of a request with its discount taken off, and how it came about."""

    quote: Quote
    discount_nano: int
    bundle: dict[str, Any]


def priced(
    target: Target,
    params: Mapping[str, Any],
    request: TaskRequest,
    coupon: CouponTerms | None,
    most: MostTokens = MostTokens(0, 0),
) -> Priced:
    """What the request costs at most. `params` are checked ones. Raises PriceNotConfigured."""
    bundle = _bundle(target, params)
    full = _quote(target, {name: str(word) for name, word in bundle.items()}, request, most)
    held = _discounted(full, most, coupon.percent or 0) if coupon is not None else full
    return Priced(held, full.hold_nano - held.hold_nano, bundle)


def _bundle(target: Target, params: Mapping[str, Any]) -> dict[str, Any]:
    """The dimensions of the price and their words; one that was not given is missing here too."""
    named = ((dimension, target.table.of_dimension(dimension)) for dimension in target.offer.dimensions)
    return {
        dimension.value: params[parameter.name]
        for dimension, parameter in named
        if parameter is not None and parameter.name in params
    }


def _quote(target: Target, bundle: Mapping[str, str], request: TaskRequest, most: MostTokens) -> Quote:
    offer, price = target.offer, target.entry.price
    if offer.pricing is Pricing.PER_TOKEN and isinstance(price, TokenPrice):
        return token_quote(price, most.input, most.output)
    usd = offer.usd(bundle)
    endless = offer.pricing is Pricing.PER_SECOND and request.duration_seconds is None
    if usd is None or endless:
        raise PriceNotConfigured(None, {**target.names, **bundle})
    unit_nano = nano_from_usd(usd)
    if offer.pricing is Pricing.PER_REQUEST:
        return flat_quote(unit_nano, 1)
    if offer.pricing is Pricing.PER_SECOND:
        return flat_quote(unit_nano, request.num_outputs * (request.duration_seconds or 0), "second")
    quote = flat_quote(unit_nano, request.num_outputs, "image")
    return quote.model_copy(update={"tiers": _tiers(target, bundle, unit_nano)})


def _tiers(target: Target, bundle: Mapping[str, str], unit_nano: int) -> dict[str, int]:
    """Prices of sizes below the one asked for: a smaller picture costs what its own size costs."""
    name = Dimension.RESOLUTION.value
    table = target.table.of_dimension(Dimension.RESOLUTION)
    tiers = {}
    for word in table.allowed if table is not None and name in bundle else ():
        if is_smaller(tier_word(str(word)), tier_word(bundle[name])):
            usd = target.offer.usd({**bundle, name: str(word)})
            if usd is not None and nano_from_usd(usd) < unit_nano:
                tiers[tier_word(str(word))] = nano_from_usd(usd)
    return tiers


def tier_word(resolution: str) -> str:
    """Our own word for the platform's."""
    return "512" if resolution == "0.5K" else resolution


def _discounted(quote: Quote, most: MostTokens, percent: int) -> Quote:
    def less(nano: int) -> int:
        return nano - nano * percent // 100

    if quote.token_prices is not None:
        prices = TokenPrices(**{name: less(nano) for name, nano in quote.token_prices.model_dump().items()})
        hold = token_cost(prices, Tokens(input_tokens=most.input, output_tokens=most.output))
        return quote.model_copy(update={"token_prices": prices, "hold_nano": hold})
    unit_nano = less(quote.unit_nano)
    tiers = {tier: less(nano) for tier, nano in quote.tiers.items()}
    return quote.model_copy(
        update={"unit_nano": unit_nano, "hold_nano": unit_nano * quote.units, "tiers": tiers}
    )
