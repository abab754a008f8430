"""What a request costs. Pure; the quote is the snapshot that the task keeps."""

from __future__ import annotations

from collections.abc import Sequence

from shared.catalog.model import ImagePrice, ModelEntry, TokenPrice, VideoPrice
from shared.catalog.sizes import ORDER, is_smaller, tier_of
from shared.errors import HatcheryError
from shared.money import nano_from_usd
from shared.tasks.model import OutputFile, Quote, TaskRequest, TokenPrices, Tokens

TOKENS_PER_PRICE = 1_000_000


class NotPricedByRequest(HatcheryError):
    """This model has a price per token; it takes no images or videos to make."""


class DurationNeeded(HatcheryError):
    """A video has a price per second: say how long it is to be."""


def quote(model: ModelEntry, request: TaskRequest) -> Quote:
    """The most an image or video request may cost, and the price of one image or second.

    Raises NotPricedByRequest for a model with a price per token, DurationNeeded for a video without duration.
    """
    price = model.price
    if isinstance(price, TokenPrice):
        raise NotPricedByRequest
    if not isinstance(price, ImagePrice) and request.duration_seconds is None:
        raise DurationNeeded
    unit_nano = _unit_nano(price, request.resolution or "")
    units = units_of(price.per, request, request.num_outputs)
    smaller = {tier: _unit_nano(price, tier) for tier in ORDER if is_smaller(tier, request.resolution or "")}
    return Quote(
        unit=price.per,
        unit_nano=unit_nano,
        units=units,
        hold_nano=unit_nano * units,
        tiers={tier: nano for tier, nano in smaller.items() if nano < unit_nano},
    )


def _unit_nano(price: ImagePrice | VideoPrice, resolution: str) -> int:
    return nano_from_usd(price.by_resolution.get(resolution, price.usd))


def units_of(unit: str, request: TaskRequest, outputs: int) -> int:
    """How many units of a quote so many outputs are: images, or seconds of video."""
    return outputs * (request.duration_seconds or 0) if unit == "second" else outputs


def charge(held: Quote, request: TaskRequest, outputs: Sequence[OutputFile]) -> int:
    """What these outputs cost in nano-USD: never more than was held.

    A picture smaller than asked for costs what its own size costs.
    """
    per_output = units_of(held.unit, request, 1)
    return min(sum(_measured_nano(held, output) * per_output for output in outputs), held.hold_nano)


def _measured_nano(held: Quote, output: OutputFile) -> int:
    if not held.tiers or output.width is None or output.height is None:
        return held.unit_nano
    return held.tiers.get(tier_of(output.width, output.height), held.unit_nano)


def flat_quote(unit_nano: int, units: int, unit: str = "request") -> Quote:
    """A request with one price, whatever its answer takes."""
    return Quote(unit=unit, unit_nano=unit_nano, units=units, hold_nano=unit_nano * units)


def token_quote(price: TokenPrice, most_input: int, most_output: int) -> Quote:
    """The most a text request may cost that takes at most so many tokens; there is no price of one unit."""
    prices = _token_prices(price)
    most = Tokens(input_tokens=most_input, output_tokens=most_output)
    return Quote(
        unit=price.per,
        unit_nano=0,
        units=most_input + most_output,
        hold_nano=token_cost(prices, most),
        token_prices=prices,
    )


def text_charge(held: Quote, used: Tokens | None) -> int:
    """What an answer costs in nano-USD: by its tokens, or the flat price; never more than was held."""
    if held.token_prices is None or used is None:
        return held.hold_nano
    return min(token_cost(held.token_prices, used), held.hold_nano)


def token_cost(prices: TokenPrices, used: Tokens) -> int:
    """Nano-USD, rounded up: the price of some tokens is not a whole number of them.

    Cached input beyond the input itself is a mistake of the provider and not believed.
    """
    cached = max(0, min(used.cached_input_tokens, used.input_tokens))
    total = (
        (used.input_tokens - cached) * prices.input_nano
        + cached * prices.cached_input_nano
        + used.output_tokens * prices.output_nano
    )
    return -(-total // TOKENS_PER_PRICE)


def _token_prices(price: TokenPrice) -> TokenPrices:
    return TokenPrices(
        input_nano=nano_from_usd(price.usd_per_million_input),
        output_nano=nano_from_usd(price.usd_per_million_output or "0"),
        cached_input_nano=nano_from_usd(price.usd_per_million_cached_input or price.usd_per_million_input),
    )
