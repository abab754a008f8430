"""`hatchery account statement`, `hatchery ledger rebuild-usage`."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.api.statements.bodies import COLUMNS, line_body
from services.api.statements.csv import csv_text
from services.api.statements.parameters import InvalidParameter, time_of
from services.cli.context import AsJson, StateDir, act, fail, show_json
from shared.accounts.account import Accounts
from shared.killpoints import KillPoints
from shared.ledger.chain import Ledger
from shared.ledger.entry import EntryKind
from shared.ledger.statement import StatementQuery, Statements
from shared.ledger.usage import UsageFold
from shared.runtime import Platform
from shared.secrets import SecretBox

DEFAULT_LIMIT = 20
_OPERATORS = ("op", "actor")
"""What customers are not shown."""
_SHOWN = ("id", "at", "kind", "amount_usd", "available_usd", "held_usd", "spent_usd", "owed_usd")


def statement(
    account_id: str,
    since: Annotated[
        str | None, typer.Option("--from", help="From this date (UTC) or time on, such as 2026-11-20.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="To the end of this date, or before this time.")
    ] = None,
    kind: Annotated[EntryKind | None, typer.Option(help="Only entries of this kind.")] = None,
    limit: Annotated[
        int | None, typer.Option(help=f"How many; {DEFAULT_LIMIT} unless told, of --csv all.", min=1)
    ] = None,
    state_dir: StateDir = None,
    json: AsJson = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """The entries of an account's ledger with the balance after each, newest first."""
    if json and csv:
        fail("--json and --csv exclude each other")
    query = _query(since, until, kind)

    async def work(platform: Platform) -> list[dict[str, Any]]:
        secrets = SecretBox(platform.settings.secrets_key.get_secret_value())
        await Accounts(platform.database, platform.clock, secrets).get(account_id)
        if csv:
            rows = _rows(platform, account_id, query, limit)
            async for part in csv_text((*COLUMNS, *_OPERATORS), rows):
                sys.stdout.write(part)
            return []
        return [row async for row in _rows(platform, account_id, query, limit or DEFAULT_LIMIT)]

    rows = act(state_dir, work)
    if json:
        show_json(rows)
    elif not csv:
        _print(rows)


def rebuild_usage(account_id: str, state_dir: StateDir = None, json: AsJson = False) -> None:
    """Make an account's usage by day anew from its ledger; services may run meanwhile."""

    async def work(platform: Platform) -> int:
        ledger = Ledger(platform.database, platform.clock)
        return await UsageFold(platform.database, ledger, KillPoints()).rebuild(account_id)

    days = act(state_dir, work)
    if json:
        show_json({"account_id": account_id, "days": days})
    else:
        Console().print(f"{account_id}: {days} days of usage")


def _query(since: str | None, until: str | None, kind: EntryKind | None) -> StatementQuery:
    try:
        return StatementQuery(
            time_of("--from", since) if since is not None else None,
            time_of("--to", until, whole_day=True) if until is not None else None,
            kind,
        )
    except InvalidParameter as error:
        fail(error.message)


async def _rows(
    platform: Platform, account_id: str, query: StatementQuery, limit: int | None
) -> AsyncIterator[dict[str, Any]]:
    number = 0
    async for line in Statements(platform.database).stream(account_id, query):
        if number == limit:
            return
        number += 1
        yield line_body(line) | {"op": line.entry.op, "actor": line.entry.facts.get("actor")}


def _print(rows: list[dict[str, Any]]) -> None:
    console = Console()
    if not rows:
        console.print("no entries")
        return
    table = Table("entry", "at", "kind", *(name.removesuffix("_usd") for name in _SHOWN[3:]), "about")
    for row in rows:
        about = " ".join(str(row[name]) for name in ("task_id", "model", "reason", "actor") if row.get(name))
        table.add_row(*(str(row[name]) for name in _SHOWN), escape(about or str(row["op"])))
    console.print(table)
