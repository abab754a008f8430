"""What `hatchery bench ledger` found: as `--json` prints it, and as tables."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from rich.console import Group, RenderableType
from rich.table import Table

from deploy.bench.ledger_proof import Proved
from deploy.bench.ledger_queries import Query


class LedgerResult(BaseModel):
    """Rows are entries of the ledger."""

    rows: int
    blocks: int
    tasks: int
    accounts: int
    hot_rows: int
    load_seconds: float
    index_seconds: float
    data_mib: float
    """Of all collections and indexes on the disk."""
    whole: Proved
    whole_rows_per_second: float
    added_rows: int
    incremental: Proved
    fold_seconds: float
    """Usage of all accounts folded for the first time."""
    queries: list[Query]
    problems: list[str]
    machine: dict[str, Any]

    @property
    def sound(self) -> bool:
        """Whether the ledger was proved and every query used an index."""
        return not self.problems


def problems_of(whole: Proved, incremental: Proved, added: int, queries: list[Query]) -> list[str]:
    """What makes the measurement fail."""
    problems = [*whole.violations, *incremental.violations]
    if incremental.entries != added:
        problems.append(f"since the last time it read {incremental.entries} rows, not {added}")
    problems += [f"{query.name}: reads a whole collection" for query in queries if query.scans_all]
    return problems


def as_tables(result: LedgerResult) -> RenderableType:
    """Verification, then queries."""
    parts: list[RenderableType] = [_proofs(result), _queries(result)]
    return Group(*parts, *(f"[red]{problem}[/red]" for problem in result.problems))


def _proofs(result: LedgerResult) -> Table:
    facts = result.machine
    title = (
        f"{result.rows:,} rows in {result.blocks:,} blocks of {result.accounts} accounts, "
        f"{result.hot_rows:,} of them on one; {result.tasks:,} tasks; {result.data_mib:,.0f} MiB\n"
        f"{facts['processor']}, {facts['cores']} cores, {facts['memory_gib']} GiB, "
        f"Python {facts['python']}, MongoDB {facts['mongodb']}"
    )
    table = Table(
        "verification", "rows", "s", "rows/s", "CPU s", "peak MiB", title=title, title_justify="left"
    )
    for name, proved in (("whole", result.whole), ("since the last time", result.incremental)):
        table.add_row(
            name,
            f"{proved.entries:,}",
            f"{proved.seconds:.1f}",
            f"{proved.entries / max(proved.seconds, 0.001):,.0f}",
            f"{proved.cpu_seconds:.1f}",
            f"{proved.peak_mib:.0f}",
        )
    return table


def _queries(result: LedgerResult) -> Table:
    table = Table("query", "p50 ms", "p95 ms", "plan", "keys", "documents")
    for query in result.queries:
        stages = ", ".join(dict.fromkeys(stage for plan in query.plans for stage in plan.stages))
        table.add_row(
            query.name,
            f"{query.ms['p50']:.2f}",
            f"{query.ms['p95']:.2f}",
            stages,
            str(sum(plan.keys_examined for plan in query.plans)),
            str(sum(plan.documents_examined for plan in query.plans)),
        )
    return table
