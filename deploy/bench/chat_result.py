"""What `hatchery bench chat` found: as `--json` prints it, and as tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel
from rich.console import Group, RenderableType
from rich.table import Table

from deploy.bench.quantiles import Quantiles

TARGET_RATE_RATIO = 20.0
TARGET_ADDED_RATIO = 0.25
RATE_AT, ADDED_AT = 16, 1
"""Concurrencies at which the two targets hold."""


class Phase(BaseModel):
    """One gateway under one load; times in milliseconds."""

    name: str
    stream: bool
    concurrency: int
    requests: int
    failed: int
    seconds: float
    per_second: float
    whole_ms: Quantiles
    first_ms: Quantiles
    added_ms: Quantiles
    """`whole_ms` less the simulator's own, called directly just before."""
    added_first_ms: Quantiles
    cpu_ms_per_request: dict[str, float]
    """By process; of Hatchery until the last request was charged."""
    other_cpu_percent: float


class ChatResult(BaseModel):
    """All phases in their order."""

    phases: list[Phase]
    memory_mib: dict[str, float]
    """Resident, by process with its children, after the last phase."""
    ratios: dict[str, float]
    """Against the other gateway, where there is one."""
    charged: int
    failed: int
    problems: list[str]
    verify: Literal["clean", "violated"]
    violations: list[str]
    machine: dict[str, Any]

    @property
    def sound(self) -> bool:
        """Whether the numbers are worth anything."""
        return self.failed == 0 and not self.problems and self.verify == "clean"


def ratios(phases: list[Phase], own: str, other: str) -> dict[str, float]:
    """How many times the other's requests per second, and which part of its added time."""
    found = {(one.name, one.stream, one.concurrency): one for one in phases}
    result: dict[str, float] = {}
    for stream in (False, True):
        kind = "streamed" if stream else "whole"
        ours, theirs = found.get((own, stream, RATE_AT)), found.get((other, stream, RATE_AT))
        if ours and theirs and theirs.per_second:
            result[f"{kind}_per_second_at_{RATE_AT}"] = round(ours.per_second / theirs.per_second, 2)
        ours, theirs = found.get((own, stream, ADDED_AT)), found.get((other, stream, ADDED_AT))
        if ours and theirs and theirs.added_ms.get("p50", 0) > 0:
            added = ours.added_ms["p50"] / theirs.added_ms["p50"]
            result[f"{kind}_added_p50_at_{ADDED_AT}"] = round(added, 3)
    return result


def as_tables(result: ChatResult) -> RenderableType:
    """Speed, CPU, memory, and what went wrong if anything did."""
    parts: list[RenderableType] = [_speed(result), _cpu(result), _facts(result)]
    parts += [f"[red]{problem}[/red]" for problem in (*result.problems, *result.violations)]
    return Group(*parts)


def _speed(result: ChatResult) -> Table:
    facts = result.machine
    title = (
        f"{facts['processor']}, {facts['cores']} cores, {facts['memory_gib']} GiB, Python {facts['python']}"
    )
    table = Table(
        "clients", "answer", "gateway", "requests/s", "p50 / p99 ms", "added p50 / p99 ms",
        "first text p50 / p99 ms", "failed", title=title, title_justify="left",
    )  # fmt: skip
    for one in result.phases:
        table.add_row(
            str(one.concurrency),
            _kind(one),
            one.name,
            f"{one.per_second:.0f}",
            _two(one.whole_ms),
            _two(one.added_ms),
            _two(one.first_ms) if one.stream else "",
            str(one.failed),
        )
    return table


def _cpu(result: ChatResult) -> Table:
    table = Table("clients", "answer", "gateway", "CPU ms per request", "others' CPU %")
    for one in result.phases:
        spent = ", ".join(f"{name} {ms:.2f}" for name, ms in one.cpu_ms_per_request.items() if ms >= 0.005)
        table.add_row(str(one.concurrency), _kind(one), one.name, spent, f"{one.other_cpu_percent:.0f}")
    return table


def _facts(result: ChatResult) -> Table:
    table = Table("", "")
    for name, value in _rows(result):
        table.add_row(name, value)
    return table


def _rows(result: ChatResult) -> Iterator[tuple[str, str]]:
    yield "memory, MiB", ", ".join(f"{name} {size:.0f}" for name, size in result.memory_mib.items())
    for name, ratio in result.ratios.items():
        target = (
            f"at least {TARGET_RATE_RATIO:g}" if "per_second" in name else f"at most {TARGET_ADDED_RATIO:g}"
        )
        yield f"{name}, Hatchery by the other", f"{ratio:g} (target {target})"
    yield "charged", str(result.charged)
    yield "ledger verify", result.verify


def _kind(phase: Phase) -> str:
    return "streamed" if phase.stream else "whole"


def _two(times: Quantiles) -> str:
    return f"{times['p50']:.2f} / {times['p99']:.2f}" if times else ""
