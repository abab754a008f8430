"""What `hatchery bench webhooks` found, as `--json` prints it and as tables."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from rich.console import Group, RenderableType
from rich.table import Table

from deploy.bench.quantiles import SHARES, Quantiles, quantiles


class Paced(BaseModel):
    """Tasks that end one after the other."""

    deliveries: int
    final_to_post_ms: Quantiles
    """From the time of the final state to the receiver's having read the POST."""


class Sent(BaseModel):
    """As many deliveries as one notifier can make."""

    deliveries: int
    deliveries_per_second: float
    cpu_ms_per_delivery: dict[str, float]
    """By process."""
    machine_busy_percent: float
    """Of all cores, by whatever program."""


class Round(BaseModel):
    """Deliveries that are all due at once: those to living receivers."""

    deliveries: int
    final_to_post_ms: Quantiles
    last_of_a_receiver_ms: Quantiles
    """When a receiver has had all of its own."""


class Rounds(BaseModel):
    """The medians of some rounds."""

    rounds: list[Round]
    final_to_post_ms: Quantiles
    last_of_a_receiver_ms: Quantiles


class WebhooksResult(BaseModel):
    """Costs, times, and dead receivers."""

    paced: Paced
    callbacks: Sent
    endpoint: Sent
    receivers: int
    dead: int
    """How many of the receivers are dead in every second round: hanging, refusing or failing."""
    without_dead: Rounds
    beside_dead: Rounds
    ratio: dict[str, Quantiles]
    """Beside dead receivers divided by without."""
    machine: dict[str, Any]


def round_of(by_receiver: Sequence[Sequence[float]]) -> Round:
    """From the milliseconds of each living receiver's deliveries."""
    return Round(
        deliveries=sum(len(times) for times in by_receiver),
        final_to_post_ms=quantiles([time for times in by_receiver for time in times]),
        last_of_a_receiver_ms=quantiles([max(times) for times in by_receiver]),
    )


def rounds_of(rounds: Sequence[Round]) -> Rounds:
    """Share by share, the median over the rounds."""
    return Rounds(
        rounds=list(rounds),
        final_to_post_ms=_medians([one.final_to_post_ms for one in rounds]),
        last_of_a_receiver_ms=_medians([one.last_of_a_receiver_ms for one in rounds]),
    )


def ratios(without: Rounds, beside: Rounds) -> dict[str, Quantiles]:
    """What dead receivers make of the others' times; 1 is nothing."""
    pairs = {
        "final_to_post": (without.final_to_post_ms, beside.final_to_post_ms),
        "last_of_a_receiver": (without.last_of_a_receiver_ms, beside.last_of_a_receiver_ms),
    }
    return {
        name: {share: round(dead[share] / alone[share], 3) for share in dead if alone.get(share)}
        for name, (alone, dead) in pairs.items()
    }


def _medians(found: Sequence[Quantiles]) -> Quantiles:
    return {share: round(statistics.median(one[share] for one in found), 2) for share in SHARES}


def as_tables(result: WebhooksResult) -> RenderableType:
    """Costs and times, and below them the rounds."""
    return Group(_costs(result), _dead(result))


def _costs(result: WebhooksResult) -> Table:
    table = Table("", "callbacks", "endpoint", title=_title(result), title_justify="left")
    both = (result.callbacks, result.endpoint)
    table.add_row("deliveries/s", *(f"{one.deliveries_per_second:.0f}" for one in both))
    for name in result.callbacks.cpu_ms_per_delivery:
        cells = (f"{one.cpu_ms_per_delivery[name]:.3f}" for one in both)
        table.add_row(f"CPU of {name}, ms per delivery", *cells)
    table.add_row("machine busy, %", *(f"{one.machine_busy_percent:.0f}" for one in both))
    table.add_section()
    for share, time in result.paced.final_to_post_ms.items():
        table.add_row(f"final state to POST, {share} ms", f"{time:.1f}")
    return table


def _dead(result: WebhooksResult) -> Table:
    count = result.without_dead.rounds[0].deliveries
    title = f"{count} deliveries at once, {result.receivers} receivers, {result.dead} of them dead"
    table = Table("living receivers", "without dead", "with", "ratio", title=title, title_justify="left")
    without, beside = result.without_dead, result.beside_dead
    for name, alone, dead in (
        ("final state to POST", without.final_to_post_ms, beside.final_to_post_ms),
        ("last of a receiver", without.last_of_a_receiver_ms, beside.last_of_a_receiver_ms),
    ):
        for share in SHARES:
            ratio = f"{dead[share] / alone[share]:.2f}" if alone[share] else ""
            table.add_row(f"{name}, {share} ms", f"{alone[share]:.0f}", f"{dead[share]:.0f}", ratio)
    return table


def _title(result: WebhooksResult) -> str:
    facts = result.machine
    return (
        f"{result.callbacks.deliveries} deliveries each by callbacks and by an endpoint, one notifier\n"
        f"{facts['processor']}, {facts['cores']} cores, {facts['memory_gib']} GiB, "
        f"Python {facts['python']}, MongoDB {facts['mongodb']}"
    )
