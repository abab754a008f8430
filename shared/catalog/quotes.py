"""Quotes: the most that a request may cost, and how that comes about. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from shared.catalog.discounts import reduced, taken_off
from shared.catalog.rate import TokensRate, UnitRate
from shared.catalog.tokens import prices_for, token_cost
from shared.catalog.units import AS_ASKED, cost_of, within
from shared.tasks.model import Discount, PriceItem, Quote, Tokens, UnitStep


@dataclass(frozen=True, slots=True)
class MostTokens:
    """The most that a text request may take."""

    input: int
    output: int


NO_TOKENS: Final = MostTokens(0, 0)


def gross_of(rate: UnitRate | TokensRate, most: MostTokens) -> int:
    """The most that is to be paid without discounts."""
    if isinstance(rate, UnitRate):
        counted = cost_of(rate.bands, [(AS_ASKED, rate.units)])
    else:
        prices = prices_for(rate.prices, rate.steps, most.input)
        counted = token_cost(prices, Tokens(input_tokens=most.input, output_tokens=most.output))
    return max(counted, rate.minimum_nano)


def quote_of(
    rate: UnitRate | TokensRate, most: MostTokens, gross_nano: int, discounts: tuple[Discount, ...]
) -> Quote:
    """The snapshot that a task keeps."""
    hold_nano = reduced(gross_nano, discounts)
    if isinstance(rate, UnitRate):
        first, *further = rate.bands
        return Quote(
            unit=rate.unit,
            unit_nano=first.unit_nano,
            units=rate.units,
            hold_nano=hold_nano,
            tiers=dict(first.tiers),
            steps=tuple(
                UnitStep(above=band.above, unit_nano=band.unit_nano, tiers=dict(band.tiers))
                for band in further
            ),
            minimum_nano=rate.minimum_nano,
            discounts=discounts,
            items=_items(list(_unit_items(rate)), gross_nano, discounts),
        )
    return Quote(
        unit="token",
        unit_nano=0,
        units=most.input + most.output,
        hold_nano=hold_nano,
        token_prices=rate.prices,
        token_steps=tuple(step for step in rate.steps if step.above < most.input),
        minimum_nano=rate.minimum_nano,
        discounts=discounts,
        items=_items(list(_token_items(rate, most)), gross_nano, discounts),
    )


def _unit_items(rate: UnitRate) -> Iterator[PriceItem]:
    words = f"{rate.unit}, {rate.words}" if rate.words else rate.unit
    for band, count in within(rate.bands, 0, rate.units):
        text = f"{words}, beyond {band.above}" if band.above else words
        yield PriceItem(text=text, units=count, amount_nano=count * band.unit_nano)


def _token_items(rate: TokensRate, most: MostTokens) -> Iterator[PriceItem]:
    prices = prices_for(rate.prices, rate.steps, most.input)
    asked = token_cost(prices, Tokens(input_tokens=most.input, output_tokens=0))
    both = token_cost(prices, Tokens(input_tokens=most.input, output_tokens=most.output))
    yield PriceItem(text="input token", units=most.input, amount_nano=asked)
    if most.output:
        yield PriceItem(text="output token", units=most.output, amount_nano=both - asked)


def _items(
    counted: Sequence[PriceItem], gross_nano: int, discounts: Sequence[Discount]
) -> tuple[PriceItem, ...]:
    items = [*counted]
    missing = gross_nano - sum(item.amount_nano for item in counted)
    if missing:
        items.append(PriceItem(text="up to the minimum", amount_nano=missing))
    for discount, off in taken_off(gross_nano, discounts):
        items.append(PriceItem(text=_discount_text(discount), amount_nano=-off))
    return tuple(items)


def _discount_text(discount: Discount) -> str:
    if discount.source == "coupon":
        return f"coupon {discount.code}"
    return f"account discount of {discount.percent} %"
