"""What tokens cost. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from shared.tasks.model import TokenPrices, Tokens, TokenStep

TOKENS_PER_PRICE: Final = 1_000_000


def prices_for(first: TokenPrices, steps: Sequence[TokenStep], input_tokens: int) -> TokenPrices:
    """The prices of a request with so many input tokens."""
    return next((step.prices for step in reversed(steps) if input_tokens > step.above), first)


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
