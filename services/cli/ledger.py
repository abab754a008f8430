"""`hatchery ledger verify`."""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.console import Console

from services.cli.context import AsJson, StateDir, act, show_json
from shared.ledger.verify import Report, Verification
from shared.money import usd_from_nano
from shared.runtime import Platform

ledger_app = typer.Typer(help="The ledger.", no_args_is_help=True)


@ledger_app.command("verify")
def verify(state_dir: StateDir = None, json: AsJson = False) -> None:
    """Replay every chain and compare it with the tasks; exit code 1 if anything is wrong."""

    async def work(platform: Platform) -> Report:
        return await Verification(platform.database, platform.clock.now()).run()

    report = act(state_dir, work)
    if json:
        show_json({"clean": report.clean, **asdict(report)})
    else:
        _print(report)
    if not report.clean:
        raise typer.Exit(1)


def _print(report: Report) -> None:
    console = Console()
    console.print(
        f"{report.accounts} accounts, {report.blocks} blocks, {report.entries} entries, "
        f"{report.tasks} final tasks, {report.open_holds} open holds"
    )
    console.print(
        f"topped up ${usd_from_nano(report.topped_up, 9)} = available ${usd_from_nano(report.available, 9)} "
        f"+ held ${usd_from_nano(report.held, 9)} + spent ${usd_from_nano(report.spent, 9)}"
    )
    for violation in report.violations:
        console.print(f"[red]{violation.invariant}[/red] {violation.subject}: {violation.detail}")
    console.print(
        "[green]clean[/green]" if report.clean else f"[red]{len(report.violations)} violations[/red]"
    )
