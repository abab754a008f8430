"""What prices of models can get wrong. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from shared.catalog.amounts import nano_of
from shared.catalog.changes import Change
from shared.catalog.model import ModelEntry
from shared.catalog.prices import ImageRate, Price, Rate, TokenPrice, TokenRate
from shared.catalog.problems import Problem
from shared.catalog.words import QUALITIES, RESOLUTIONS, either
from shared.providers.capabilities import Kind

PER: Final[Mapping[Kind, str]] = {
    Kind.IMAGE: "image",
    Kind.VIDEO: "second",
    Kind.CHAT: "token",
    Kind.EMBEDDING: "token",
}
Path = tuple[int | str, ...]


def model_price_problems(path: Path, model: ModelEntry) -> Iterator[Problem]:
    """Of the price that counts now, and of those to come."""
    yield from _price_problems((*path, "price"), model.price, model.kind)
    for number, change in enumerate(model.changes):
        yield from _price_problems((*path, "changes", number, "price"), change.price, model.kind)
    yield from change_problems(path, model.changes)


def change_problems(path: Path, changes: Sequence[Change]) -> Iterator[Problem]:
    """Changes out of their order, and two at one time."""
    for number, (before, change) in enumerate(pairwise(changes), 1):
        here = (*path, "changes", number, "effective_at")
        if change.effective_at == before.effective_at:
            yield Problem(here, "another change has this time too; remove one of the two")
        elif change.effective_at < before.effective_at:
            yield Problem(here, "it is before that of the change above; sort the changes by time")


def step_problems(path: Path, aboves: Sequence[int]) -> Iterator[Problem]:
    """Steps out of their order."""
    for number, (before, above) in enumerate(pairwise(aboves), 1):
        if above <= before:
            yield Problem((*path, "steps", number, "above"), f"it is not more than {before}; sort the steps")


def _price_problems(path: Path, price: Price, kind: Kind) -> Iterator[Problem]:
    if price.per != PER[kind]:
        yield Problem((*path, "per"), f"of kind {kind} it is `per: {PER[kind]}`")
        return
    yield from step_problems(path, [step.above for step in price.steps])
    if isinstance(price, TokenPrice):
        yield from _token_problems(path, price, kind)
        return
    yield from _rate_problems(path, price, kind)
    for number, step in enumerate(price.steps):
        here = (*path, "steps", number)
        yield from _rate_problems(here, step, kind)
        yield from _left_out(here, price, step)


def _rate_problems(path: Path, rate: Rate, kind: Kind) -> Iterator[Problem]:
    known = RESOLUTIONS[kind]
    for resolution in rate.by_resolution:
        if resolution not in known:
            yield Problem(
                (*path, "by_resolution", resolution),
                f"there is no resolution {resolution!r} of kind {kind}; use {either(known)}",
            )
    if isinstance(rate, ImageRate):
        for quality, inner in rate.by_quality.items():
            here = (*path, "by_quality", quality)
            if quality not in QUALITIES:
                yield Problem(here, f"there is no quality {quality!r}; use {either(QUALITIES)}")
            yield from _rate_problems(here, inner, kind)


def _left_out(path: Path, price: Rate, step: Rate) -> Iterator[Problem]:
    """A step without a price that the first units have would quietly sell them for another."""
    for resolution in price.by_resolution:
        if resolution not in step.by_resolution:
            yield Problem(path, f"{resolution} has a price of its own; name it in by_resolution here too")
    if isinstance(price, ImageRate) and isinstance(step, ImageRate):
        for quality, inner in price.by_quality.items():
            if quality in step.by_quality:
                yield from _left_out((*path, "by_quality", quality), inner, step.by_quality[quality])
            else:
                yield Problem(path, f"{quality} has a price of its own; name it in by_quality here too")


def _token_problems(path: Path, price: TokenPrice, kind: Kind) -> Iterator[Problem]:
    before: TokenRate | None = None
    rates: list[tuple[Path, TokenRate]] = [(path, price)]
    rates += [((*path, "steps", number), step) for number, step in enumerate(price.steps)]
    for here, rate in rates:
        if kind is Kind.CHAT and rate.usd_per_million_output is None:
            yield Problem(here, "answers have output tokens; add usd_per_million_output")
        if _cached_nano(rate) > nano_of(rate.usd_per_million_input):
            yield Problem(
                (*here, "usd_per_million_cached_input"), "it is more than other input costs; lower it"
            )
        if before is not None:
            yield from _cheaper(here, before, rate)
        before = rate


def _cheaper(path: Path, before: TokenRate, step: TokenRate) -> Iterator[Problem]:
    """A request would cost less with some more input."""
    for field, less, more in (
        ("usd_per_million_input", before.usd_per_million_input, step.usd_per_million_input),
        ("usd_per_million_output", before.usd_per_million_output, step.usd_per_million_output),
    ):
        if nano_of(more or "0") < nano_of(less or "0"):
            yield Problem((*path, field), f"it is less than before this step ({less}); raise it")
    if _cached_nano(step) < _cached_nano(before):
        yield Problem(
            (*path, "usd_per_million_cached_input"), "cached input costs less than before this step; raise it"
        )


def _cached_nano(rate: TokenRate) -> int:
    return nano_of(rate.usd_per_million_cached_input or rate.usd_per_million_input)
