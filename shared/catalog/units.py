"""What a number of images or seconds costs when further ones have other prices. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from shared.tasks.model import Quote

Ladder = tuple[tuple[int, int], ...]
"""Prices of one size in nano-USD: each for the units beyond so many, the first beyond 0."""
AS_ASKED: Final = ""
"""A size that is the one asked for, or larger."""
NO_TIERS: Final[Mapping[str, int]] = MappingProxyType({})


class Band(NamedTuple):
    """The prices of the units beyond so many, up to the next band, in nano-USD."""

    above: int
    unit_nano: int
    tiers: Mapping[str, int]
    """Of sizes below the one asked for, where they cost less."""


def bands_of(asked: Ladder, smaller: Mapping[str, Ladder]) -> tuple[Band, ...]:
    """Prices from the first unit on, in rising order; `smaller` stand from large to small.

    A smaller size never costs more than a larger one.
    """
    if len(asked) == 1 and not smaller:
        return (Band(0, asked[0][1], NO_TIERS),)
    starts = sorted({above for ladder in (asked, *smaller.values()) for above, _ in ladder})
    return tuple(_band(above, asked, smaller) for above in starts)


def _band(above: int, asked: Ladder, smaller: Mapping[str, Ladder]) -> Band:
    unit_nano = least = _beyond(asked, above)
    tiers = {}
    for size, ladder in smaller.items():
        least = min(least, _beyond(ladder, above))
        if least < unit_nano:
            tiers[size] = least
    return Band(above, unit_nano, tiers)


def _beyond(ladder: Ladder, above: int) -> int:
    return next(nano for start, nano in reversed(ladder) if start <= above)


def bands_in(quote: Quote) -> tuple[Band, ...]:
    """All prices of a quote, from the first unit on."""
    first = Band(0, quote.unit_nano, quote.tiers)
    return (first, *(Band(step.above, step.unit_nano, step.tiers) for step in quote.steps))


def cost_of(bands: Sequence[Band], delivered: Iterable[tuple[str, int]]) -> int:
    """Nano-USD of so many units of these sizes, which stand from large to small."""
    total = done = 0
    for size, units in delivered:
        for band, count in within(bands, done, done + units):
            total += count * band.tiers.get(size, band.unit_nano)
        done += units
    return total


def within(bands: Sequence[Band], start: int, end: int) -> Iterator[tuple[Band, int]]:
    """How many of the units after `start`, up to `end`, have the price of each band."""
    for number, band in enumerate(bands):
        upper = bands[number + 1].above if number + 1 < len(bands) else end
        count = min(end, upper) - max(start, band.above)
        if count > 0:
            yield band, count
