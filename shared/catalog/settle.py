"""What was delivered costs, by the snapshot that its task keeps. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from shared.catalog.discounts import reduced
from shared.catalog.sizes import ORDER, tier_of
from shared.catalog.tokens import prices_for, token_cost
from shared.catalog.units import AS_ASKED, bands_in, cost_of
from shared.tasks.model import OutputFile, Quote, TaskRequest, Tokens

_SECOND_MS: Final = 1000
_OVERHANG_MS: Final = 250
"""Videos end with a frame, seldom on the second: what is over by so little is no further second."""


def units_of(unit: str, request: TaskRequest, outputs: Sequence[OutputFile]) -> int:
    """How many units of a quote these outputs are: images, seconds of video, or the request itself."""
    if unit == "request":
        return min(len(outputs), 1)
    return sum(seconds_of(request, one) for one in outputs) if unit == "second" else len(outputs)


def seconds_of(request: TaskRequest, video: OutputFile) -> int:
    """How many seconds of a video count: those asked for, or as many as came where that is fewer.

    At least one; a started one counts when more than a quarter of it came: 4.96 s are 5, and so are 5.04 s.
    """
    asked = request.duration_seconds or 0
    if video.duration_ms is None:
        return asked
    came = -(-(video.duration_ms - _OVERHANG_MS) // _SECOND_MS)
    return min(asked, max(came, 1))


def charge(held: Quote, request: TaskRequest, outputs: Sequence[OutputFile]) -> int:
    """What these outputs cost in nano-USD: nothing without any, never more than was held.

    A picture smaller than asked for costs what its own size costs, a shorter video what its seconds cost.
    """
    if not outputs:
        return 0
    bands = bands_in(held)
    if any(band.tiers for band in bands):
        each = ((_measured(output), units_of(held.unit, request, [output])) for output in outputs)
        delivered = sorted(each, key=lambda one: _rank(one[0]), reverse=True)
    else:
        delivered = [(AS_ASKED, units_of(held.unit, request, outputs))]
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
