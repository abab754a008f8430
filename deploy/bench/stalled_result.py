"""What `hatchery bench stalled` found, as `--json` prints it and as a table."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel
from rich.console import Group, RenderableType
from rich.table import Table

from deploy.bench.quantiles import SHARES, Quantiles


class PhaseResult(BaseModel):
    """The healthy providers' tasks in one phase; times in milliseconds."""

    seconds: float
    submit_ms: Quantiles
    submit_to_completed_ms: Quantiles
    """As the client sees it, which polls every task."""
    submit_to_completed_ms_by_provider: dict[str, Quantiles]
    worker_cpu_percent: float
    """Of one core, by all workers."""
    other_cpu_percent: float
    """Of all cores, by processes that belong neither to the stack nor to the bench."""


class StalledResult(BaseModel):
    """The same tasks before one provider stalls and while it does."""

    tasks: int
    """Of each phase, on all healthy providers together."""
    concurrency: int
    stalled: int
    provider_ms: int
    """What the healthy providers take for a job."""
    processes: dict[str, int]
    before: PhaseResult
    during: PhaseResult
    ratio: Quantiles
    """Submit to completed, during divided by before."""
    at_provider: int
    """Stalled tasks that a worker has in hand, after the phase during which they hang."""
    waiting: int
    """Stalled tasks in the queue before the workers, at the same time."""
    provider_jobs: int
    """Open jobs of the stalled provider, at the same time."""
    cancel_seconds: float
    """From the first cancellation to the last final state."""
    failed: int
    problems: list[str]
    verify: Literal["clean", "violated"]
    violations: list[str]
    machine: dict[str, Any]

    @property
    def sound(self) -> bool:
        """Whether the numbers are worth anything."""
        return self.failed == 0 and not self.problems and self.verify == "clean"


def ratio(before: Quantiles, during: Quantiles) -> Quantiles:
    """Of those that both phases have."""
    return {name: round(during[name] / before[name], 3) for name in during if before.get(name)}


def as_tables(result: StalledResult) -> RenderableType:
    """Both phases side by side, and what went wrong if anything did."""
    parts: list[RenderableType] = [_phases(result)]
    parts += [f"[red]{problem}[/red]" for problem in (*result.problems, *result.violations)]
    return Group(*parts)


def _phases(result: StalledResult) -> Table:
    before, during = result.before, result.during
    table = Table("", "before", "during", "ratio", title=_title(result), title_justify="left")
    _rows(table, "submit to completed", before.submit_to_completed_ms, during.submit_to_completed_ms)
    for provider, times in before.submit_to_completed_ms_by_provider.items():
        _rows(table, f"of {provider}", times, during.submit_to_completed_ms_by_provider[provider])
    _rows(table, "submit", before.submit_ms, during.submit_ms)
    for name, one, other in (
        ("CPU of the worker, % of a core", before.worker_cpu_percent, during.worker_cpu_percent),
        ("CPU of other programs, %", before.other_cpu_percent, during.other_cpu_percent),
    ):
        table.add_row(name, f"{one:.1f}", f"{other:.1f}")
    table.add_section()
    for name, value in (
        ("stalled tasks at the provider", str(result.at_provider)),
        ("stalled tasks in the queue", str(result.waiting)),
        ("jobs of the stalled provider", str(result.provider_jobs)),
        ("until all were cancelled, s", f"{result.cancel_seconds:.1f}"),
        ("failed", str(result.failed)),
        ("ledger verify", result.verify),
    ):
        table.add_row(name, "", value)
    return table


def _rows(table: Table, name: str, before: Quantiles, during: Quantiles) -> None:
    ratios = ratio(before, during)
    for share in SHARES:
        cells = [f"{times[share]:.1f}" if share in times else "" for times in (before, during)]
        table.add_row(f"{name}, {share} ms", *cells, f"{ratios[share]:.2f}" if share in ratios else "")
    table.add_section()


def _title(result: StalledResult) -> str:
    facts = result.machine
    return (
        f"{result.tasks} tasks, {result.concurrency} in flight, providers {result.provider_ms} ms; "
        f"{result.stalled} tasks on a provider that stalls\n"
        f"{facts['processor']}, {facts['cores']} cores, {facts['memory_gib']} GiB, "
        f"Python {facts['python']}, MongoDB {facts['mongodb']}, RabbitMQ {facts['rabbitmq']}"
    )
