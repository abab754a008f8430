"""`hatchery report margin`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from services.cli.context import AsJson, StateDir, act, fail, show_json
from shared.margin.fold import By, Line, Margin
from shared.margin.reading import margin_of
from shared.money import usd_from_nano
from shared.runtime import Platform

report_app = typer.Typer(help="Reports.", no_args_is_help=True)

_DAYS = 30


@report_app.callback()
def _group() -> None:
    """Keeps `margin` a command of its own while there is no other."""


@report_app.command("margin")
def report_margin(
    since: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="The first day (UTC); left out: 30 days ago."),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day; left out: today.")
    ] = None,
    by: Annotated[By, typer.Option(help="What a line is of.")] = By.MODEL,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """Compare what customers were charged, refunds taken off, with what providers charge us."""
    errors = Console(stderr=True)

    async def work(platform: Platform) -> tuple[datetime, datetime, Margin]:
        first, end = days(since, until, platform.clock.now())
        with errors.status("reading tasks") as status:
            margin = await margin_of(
                platform.database, first, end, by, lambda read: status.update(f"{read} tasks read")
            )
        return first, end, margin

    first, end, margin = act(state_dir, work)
    if json:
        show_json(
            {
                "from": first,
                "to": end,
                "by": by,
                "lines": [{by.value: name, **line.to_document()} for name, line in margin.lines],
                "total": margin.total.to_document(),
            }
        )
        return
    _print(margin, by)


def days(since: datetime | None, until: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """The beginning of the first day and the end of the last (UTC)."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    last = today if until is None else until.replace(tzinfo=UTC)
    first = last - timedelta(days=_DAYS) if since is None else since.replace(tzinfo=UTC)
    if first > last:
        fail("--from is after --to")
    return first, last + timedelta(days=1)


def _print(margin: Margin, by: By) -> None:
    console = Console()
    if not margin.lines:
        console.print("no tasks in this time")
        return
    table = Table(by.value)
    for name in ("tasks", "units", "revenue", "cost", "margin", "margin %", "attempts", "unknown %"):
        table.add_column(name, justify="right")
    for name, line in margin.lines:
        table.add_row(name, *_cells(line))
    table.add_section()
    table.add_row("all", *_cells(margin.total))
    console.print(table)
    for sentence in notes(margin.total):
        console.print(sentence, highlight=False)


def _cells(line: Line) -> list[str]:
    return [
        str(line.tasks),
        str(line.units),
        *(usd_from_nano(nano, 4) for nano in (line.revenue_nano, line.cost_nano, line.margin_nano)),
        percent(line.margin_nano, line.revenue_nano),
        str(line.attempts),
        percent(line.unknown, line.attempts),
    ]


def percent(part: int, whole: int) -> str:
    """With one decimal, rounded half away from zero; a dash of nothing."""
    if whole <= 0:
        return "-"
    sign, tenths = "-" if part < 0 else "", (abs(part) * 2000 + whole) // (2 * whole)
    return f"{sign}{tenths // 10}.{tenths % 10}"


def notes(total: Line) -> list[str]:
    """What the numbers do not say by themselves."""
    found = []
    if total.refunded_nano:
        found.append(f"${usd_from_nano(total.refunded_nano, 4)} of refunds are taken off the revenue.")
    if total.stated_nano:
        found.append(f"${usd_from_nano(total.stated_nano, 4)} of the cost are stated in the catalog.")
    if total.unknown:
        found.append(
            f"Of {total.unknown} of {total.attempts} attempts the whole cost is not known: "
            "the true margin is at most what stands here."
        )
    return found
