"""`hatchery ledger verify`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from services.cli.context import AsJson, StateDir, act, fail, show_json
from shared.ledger.proof.points import Points
from shared.ledger.proof.record import Proofs
from shared.ledger.proof.report import Report
from shared.ledger.proof.since import SETTLING_TIME, SinceLast
from shared.ledger.proof.violation import Violation
from shared.ledger.verify import Verification
from shared.money import usd_from_nano
from shared.runtime import Platform

TELL_EVERY: Final = timedelta(seconds=3)
MOST_SHOWN: Final = 100

ledger_app = typer.Typer(help="The ledger.", no_args_is_help=True)


@ledger_app.command("verify")
def verify(
    since_last: Annotated[
        bool, typer.Option("--since-last", help="Only what is new since the last time, or the last audit.")
    ] = False,
    account: Annotated[
        str | None, typer.Option(help="One account's chain alone, or a coupon's: coupon:CODE.")
    ] = None,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """Replay every chain and hold it against tasks, coupons and top-ups; exit code 1 if anything is wrong."""

    async def work(platform: Platform) -> Report:
        if since_last:
            now = platform.clock.now()
            return await SinceLast(platform.database, now, now - SETTLING_TIME).run(account)
        return await _verify_whole(platform, account)

    report = act(state_dir, work)
    if account is not None and not since_last and not report.blocks:
        fail(f"there is no chain {account}")
    if json:
        show_json(_as_json(report))
    else:
        _print(report, since_last)
    if not report.clean:
        raise typer.Exit(1)


async def _verify_whole(platform: Platform, account: str | None) -> Report:
    """From the first block on. A clean result makes the auditor forget what it had found."""
    began = time.monotonic()
    report = await Verification(platform.database, platform.clock.now(), account, _progress(began)).run()
    if account is None:
        await Proofs(platform.database).save(platform.clock.now(), time.monotonic() - began, report)
    if report.clean:
        await Points(platform.database).forget_findings(account)
    return report


def _progress(began: float) -> Callable[[int], None]:
    """Says every few seconds on standard error how far it is."""
    told = began

    def watch(rows: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= TELL_EVERY.total_seconds():
            told = now
            sys.stderr.write(f"{rows:,} rows read, {rows / (now - began):,.0f} a second\n")

    return watch


def _as_json(report: Report) -> dict[str, Any]:
    fields = {name: getattr(report, name) for name in Report.__slots__ if name != "violations"}
    violations = [{**one.to_document(), "advice": one.advice} for one in report.violations]
    return {"clean": report.clean, **fields, "violations": violations}


def _print(report: Report, since_last: bool) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{report.accounts} accounts and {report.coupon_chains} chains of coupons, {report.blocks} blocks, "
        f"{report.entries} entries"
        + ("" if since_last else f", {report.tasks} final tasks, {report.open_holds} open holds")
    )
    if not since_last:
        for line in _sums(report):
            console.print(line)
    for violation in report.violations[:MOST_SHOWN]:
        _print_violation(console, violation)
    if (rest := len(report.violations) - MOST_SHOWN) > 0:
        console.print(f"and {rest} more: --json shows all of them")
    console.print(
        "[green]clean[/green]" if report.clean else f"[red]{len(report.violations)} violations[/red]"
    )


def _sums(report: Report) -> list[str]:
    def usd(nano: int) -> str:
        return f"${usd_from_nano(nano, 9)}"

    return [
        f"topped up {usd(report.topped_up)} + adjusted {usd(report.adjusted)} "
        f"- reversed {usd(report.reversed)} = {usd(report.money_in)}",
        f"available {usd(report.available)} + held {usd(report.held)} + spent {usd(report.spent)} "
        f"- owed {usd(report.owed)} = {usd(report.money_there)}",
    ]


def _print_violation(console: Console, violation: Violation) -> None:
    sides = f" (expected {violation.expected}, found {violation.found})" if violation.expected else ""
    console.print(f"[red]{violation.invariant}[/red] {violation.subject}: {violation.detail}", end="")
    console.print(sides, markup=False)
    console.print(f"     {violation.advice}", markup=False)
