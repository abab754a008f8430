"""`hatchery attempts orphans`: provider jobs that perhaps nobody collected."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from services.cli.context import AsJson, StateDir, act, fail, show_json
from shared.money import usd_from_nano
from shared.mongo import Database
from shared.runtime import Platform

attempts_app = typer.Typer(help="Attempts: single tries at a provider.", no_args_is_help=True)

_SINCE = re.compile(r"([1-9][0-9]{0,5})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@attempts_app.callback()
def _group() -> None:
    """Keeps `orphans` a command of its own while there is no other."""


@attempts_app.command("orphans")
def list_orphans(
    since: Annotated[str, typer.Option(help="How old their tasks may be: 90m, 24h, 7d.")] = "24h",
    provider: Annotated[str | None, typer.Option(help="Only this provider's.")] = None,
    limit: Annotated[int, typer.Option(help="How many to show.", min=1, max=10_000)] = 50,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """Show suspected orphans, those of the newest tasks first, and what became of them."""
    age = parse_since(since)
    if age is None:
        fail("--since is a number with m, h or d behind it, such as 24h")

    async def work(platform: Platform) -> dict[str, Any]:
        return await find_orphans(platform.database, platform.clock.now() - age, provider, limit)

    found = act(state_dir, work)
    if json:
        show_json(found)
        return
    _print(found)


def parse_since(text: str) -> timedelta | None:
    """`90m`, `24h` or `7d`; None for anything else."""
    match = _SINCE.fullmatch(text)
    return timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None


async def find_orphans(
    database: Database, since: datetime, provider: str | None, limit: int
) -> dict[str, Any]:
    """`{"total", "more", "counts", "orphans"}`; only the last is cut at `limit`.

    `counts` has one row per provider and outcome: `{"provider", "late", "count", "late_cost_nano"}`.
    """
    tasks, orphans = database["tasks"], orphan_stages(since, provider)
    by = {"provider": "$attempts.provider", "late": {"$ifNull": ["$attempts.late", None]}}
    group = {"_id": by, "count": {"$sum": 1}, "late_cost_nano": {"$sum": "$attempts.late_cost_nano"}}
    rows = await (await tasks.aggregate([*orphans, {"$group": group}])).to_list()
    shown = await (await tasks.aggregate([*orphans, {"$limit": limit}])).to_list()
    counts = [{**row.pop("_id"), **row} for row in rows]
    total = sum(row["count"] for row in counts)
    return {
        "total": total,
        "more": total > len(shown),
        "counts": sorted(counts, key=lambda row: (row["provider"], row["late"] or "")),
        "orphans": [_orphan(document["_id"], document["attempts"]) for document in shown],
    }


def orphan_stages(since: datetime, provider: str | None) -> list[dict[str, Any]]:
    """An aggregation's first stages: one document per orphan, those of the newest tasks first."""
    of_provider = {} if provider is None else {"attempts.provider": provider}
    return [
        {"$match": {"attempts.orphan_suspect": True, "created_at": {"$gte": since}}},
        {"$sort": {"created_at": -1}},
        {"$project": {"attempts": 1}},
        {"$unwind": "$attempts"},
        {"$match": {"attempts.orphan_suspect": True, **of_provider}},
    ]


def _orphan(task_id: str, attempt: dict[str, Any]) -> dict[str, Any]:
    fields = ("number", "provider", "route", "error_class", "unaccounted", "late", "late_cost_nano")
    return {
        "task_id": task_id,
        **{field: attempt.get(field) for field in fields},
        "provider_job_ids": (attempt.get("provider_job") or {}).get("ids", []),
        "at": attempt.get("ended_at") or attempt["dispatched_at"],
    }


def _print(found: dict[str, Any]) -> None:
    console = Console()
    if not found["total"]:
        console.print("no suspected orphans")
        return
    table = Table("time (UTC)", "task", "number", "route", "job ids", "jobs", "error", "became")
    for one in found["orphans"]:
        table.add_row(
            f"{one['at']:%Y-%m-%d %H:%M:%S}",
            one["task_id"],
            str(one["number"]),
            one["route"],
            ", ".join(one["provider_job_ids"]),
            str(one["unaccounted"] or ""),
            one["error_class"],
            _became(one["late"], one["late_cost_nano"]),
        )
    console.print(table)
    _print_totals(console, found["counts"], found["total"])
    if found["more"]:
        console.print(f"showing {len(found['orphans'])} of {found['total']}; --limit shows more")


def _print_totals(console: Console, counts: Sequence[dict[str, Any]], total: int) -> None:
    console.print(f"{total} suspected orphans")
    for row in counts:
        console.print(f"  {row['provider']}: {row['count']} {_became(row['late'], row['late_cost_nano'])}")


def _became(late: str | None, cost_nano: int | None) -> str:
    """What a job came to, and what it cost us where that is known."""
    cost = f", ${usd_from_nano(cost_nano, 9)}" if cost_nano else ""
    return f"{late or 'not known'}{cost}"
