"""A result for people: a table on the terminal, a row in a file of records."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table

from deploy.bench.cpu import PRODUCT
from deploy.bench.quantiles import Quantiles
from deploy.bench.result import TARGET_CPU_MS, TARGET_OVERHEAD_MS, PipelineResult

COLUMNS = (
    "date", "tasks", "in flight", "provider ms", "webhooks", "tasks/s", "submit p50/p95/p99 ms",
    "to completed p50/p95/p99 ms", "overhead p50 ms", "CPU ms/task", "others' CPU %",
    "messages/task", "Mongo ops/task", "failed", "verify", "machine",
)  # fmt: skip


def as_tables(result: PipelineResult) -> RenderableType:
    """Speed, costs and times, and what went wrong if anything did."""
    parts: list[RenderableType] = [_summary(result), _cpu(result), _stages(result)]
    parts += [f"[red]{problem}[/red]" for problem in (*result.problems, *result.violations)]
    return Group(*parts)


def _summary(result: PipelineResult) -> Table:
    table = Table("", "p50", "p95", "p99", title=_title(result), title_justify="left")
    for name, times in (
        ("submit, ms", result.submit_ms),
        ("submit to completed as polled, ms", result.submit_to_completed_ms),
        ("submit to completed as stored, ms", result.stored_submit_to_completed_ms),
        ("submit alone, ms", result.submit_ms_at_concurrency_1),
        (f"overhead alone, ms (target {TARGET_OVERHEAD_MS:.0f})", result.overhead_ms_at_concurrency_1),
    ):
        table.add_row(name, *(f"{times[share]:.1f}" for share in times))
    table.add_section()
    for name, value in (
        ("tasks per second", f"{result.tasks_per_second:.1f}"),
        ("CPU of other programs, %", f"{result.other_cpu_percent:.1f}"),
        ("messages per task", f"{result.messages_per_task:.2f}"),
        ("MongoDB operations per task", f"{result.mongo_operations_per_task['total']:.2f}"),
        ("found by the sweeper", str(result.swept)),
        ("webhooks delivered", str(result.webhooks_delivered)),
        ("failed", str(result.failed)),
        ("ledger verify", result.verify),
    ):
        table.add_row(name, value)
    return table


def _title(result: PipelineResult) -> str:
    facts = result.machine
    return (
        f"{result.tasks} tasks, {result.concurrency} in flight, provider {result.provider_ms} ms\n"
        f"{facts['processor']}, {facts['cores']} cores, {facts['memory_gib']} GiB, "
        f"Python {facts['python']}, MongoDB {facts['mongodb']}, RabbitMQ {facts['rabbitmq']}"
    )


def _cpu(result: PipelineResult) -> Table:
    table = Table("process", f"CPU ms per task (target {TARGET_CPU_MS:.0f} in total)")
    for name, spent in result.cpu_ms_per_task.items():
        if name == "total" or name not in (*PRODUCT, "total"):
            table.add_section()
        table.add_row(name, f"{spent:.2f}")
    return table


def _stages(result: PipelineResult) -> Table:
    table = Table("state", "reached after ms (one at a time, median)")
    for state, reached in result.reached_ms_at_concurrency_1.items():
        table.add_row(state, f"{reached:.1f}")
    return table


def record(file: Path, result: PipelineResult) -> None:
    """Add a dated row to a markdown table, which is begun when the file is not there."""
    head = "" if file.exists() else f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}\n"
    with file.open("a") as records:
        records.write(f"{head}| {' | '.join(_cells(result))} |\n")


def _cells(result: PipelineResult) -> list[str]:
    facts = result.machine
    return [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
        str(result.tasks),
        str(result.concurrency),
        str(result.provider_ms),
        "yes" if result.webhooks else "no",
        f"{result.tasks_per_second:.0f}",
        _slashed(result.submit_ms),
        _slashed(result.stored_submit_to_completed_ms),
        f"{result.overhead_ms_at_concurrency_1.get('p50', float('nan')):.1f}",
        f"{result.cpu_ms_per_task['total']:.2f}",
        f"{result.other_cpu_percent:.0f}",
        f"{result.messages_per_task:.2f}",
        f"{result.mongo_operations_per_task['total']:.2f}",
        str(result.failed),
        result.verify,
        f"{facts['processor']}, {facts['cores']} cores, Python {facts['python']}",
    ]


def _slashed(times: Quantiles) -> str:
    return " / ".join(f"{time:.0f}" for time in times.values())
