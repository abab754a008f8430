"""What a number of images or seconds costs when further ones have other prices. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from shared.tasks.model import Quote, UnitStep

Ladder = tuple[tuple[int, int], ...]
"""Prices of one size in nano-USD: each for the units beyond so many, the first beyond 0."""
AS_ASKED: Final = ""
"""A size that is the one asked for, or larger."""


def bands_of(asked: Ladder, smaller: Mapping[str, Ladder]) -> tuple[UnitStep, ...]:
    """Prices from the first unit on, in rising order; `smaller` stand from large to small.

    A smaller size never costs more than a larger one.
    """
    starts = sorted({above for ladder in (asked, *smaller.values()) for above, _ in ladder})
    return tuple(_band(above, asked, smaller) for above in starts)


def _band(above: int, asked: Ladder, smaller: Mapping[str, Ladder]) -> UnitStep:
    unit_nano = least = _beyond(asked, above)
    tiers = {}
    for size, ladder in smaller.items():
        least = min(least, _beyond(ladder, above))
        if least < unit_nano:
            tiers[size] = least
    return UnitStep(above=above, unit_nano=unit_nano, tiers=tiers)


def _beyond(ladder: Ladder, above: int) -> int:
    return next(nano for start, nano in reversed(ladder) if start <= above)


def bands_in(quote: Quote) -> tuple[UnitStep, ...]:
    """All prices of a quote, from the first unit on."""
    return (UnitStep(above=0, unit_nano=quote.unit_nano, tiers=quote.tiers), *quote.steps)


def cost_of(bands: Sequence[UnitStep], delivered: Iterable[tuple[str, int]]) -> int:
    """Nano-USD of so many units of these sizes, which stand from large to small."""
    total = done = 0
    for size, units in delivered:
        for band, count in within(bands, done, done + units):
            total += count * band.tiers.get(size, band.unit_nano)
        done += units
    return total


def within(bands: Sequence[UnitStep], start: int, end: int) -> Iterator[tuple[UnitStep, int]]:
    """How many of the units after `start`, up to `end`, have the price of each band."""
    for number, band in enumerate(bands):
        upper = bands[number + 1].above if number + 1 < len(bands) else end
        count = min(end, upper) - max(start, band.above)
        if count > 0:
            yield band, count
