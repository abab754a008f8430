"""What was delivered costs, by the snapshot that its task keeps. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from shared.catalog.discounts import reduced
from shared.catalog.sizes import ORDER, tier_of
from shared.catalog.tokens import prices_for, token_cost
from shared.catalog.units import AS_ASKED, bands_in, cost_of
from shared.tasks.model import OutputFile, Quote, TaskRequest, Tokens


def units_of(unit: str, request: TaskRequest, outputs: int) -> int:
    """How many units of a quote so many outputs are: images, seconds of video, or the request itself."""
    if unit == "request":
        return min(outputs, 1)
    return outputs * (request.duration_seconds or 0) if unit == "second" else outputs


def charge(held: Quote, request: TaskRequest, outputs: Sequence[OutputFile]) -> int:
    """What these outputs cost in nano-USD: nothing without any, never more than was held.

    A picture smaller than asked for costs what its own size costs.
    """
    if not outputs:
        return 0
    bands = bands_in(held)
    if any(band.tiers for band in bands):
        per_output = units_of(held.unit, request, 1)
        sizes = sorted((_measured(output) for output in outputs), key=_rank, reverse=True)
        delivered = [(size, per_output) for size in sizes]
    else:
        delivered = [(AS_ASKED, units_of(held.unit, request, len(outputs)))]
    return min(due(held, cost_of(bands, delivered)), held.hold_nano)


def text_charge(held: Quote, used: Tokens | None) -> int:
    """What an answer costs in nano-USD: by its tokens, or the flat price; never more than was held."""
    if held.token_prices is None or used is None:
        return held.hold_nano
    prices = prices_for(held.token_prices, held.token_steps, used.input_tokens)
    return min(due(held, token_cost(prices, used)), held.hold_nano)


def due(quote: Quote, gross_nano: int) -> int:
    """What is to be paid for something that was delivered: at least the minimum, less the discounts."""
    return reduced(max(gross_nano, quote.minimum_nano), quote.discounts)


def unit_cost(quote: Quote) -> int:
    """What one unit costs in nano-USD, percents taken off: of the first units, in the size asked for."""
    return reduced(quote.unit_nano, [one for one in quote.discounts if one.percent is not None])


def _measured(output: OutputFile) -> str:
    if output.width is None or output.height is None:
        return AS_ASKED
    return tier_of(output.width, output.height)


def _rank(size: str) -> int:
    return ORDER.index(size) if size in ORDER else len(ORDER)
