"""`hatchery task show`: everything about one task on one page."""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from services.cli.context import AsJson, StateDir, act, show_json
from shared.errors import HatcheryError
from shared.money import usd_from_nano
from shared.runtime import Platform

task_app = typer.Typer(help="Tasks.", no_args_is_help=True)


class UnknownTask(HatcheryError):
    """There is no task with this id."""


@task_app.command("show")
def show_task(task_id: str, state_dir: StateDir = None, json: AsJson = False) -> None:
    """State, attempts, ledger rows and deliveries of a task."""
    page = act(state_dir, lambda platform: _page(platform, task_id))
    if json:
        show_json(page)
        return
    _print(page)


async def _page(platform: Platform, task_id: str) -> dict[str, Any]:
    database = platform.database
    task = await database["tasks"].find_one({"_id": task_id})
    if task is None:
        raise UnknownTask(f"There is no task {task_id}.")
    task["id"] = task.pop("_id")
    attempts = task.pop("attempts", [])
    ops = [f"hold:{task_id}", f"end:{task_id}"]
    blocks = database["ledger"].find({"entries.op": {"$in": ops}}).sort("seq", 1)
    ledger = [
        {"seq": block["seq"], "at": block["at"], **entry}
        async for block in blocks
        for entry in block["entries"]
        if entry["op"] in ops
    ]
    deliveries = [
        {**delivery, "body": bytes(delivery["body"]).decode()}
        async for delivery in database["deliveries"].find({"task_id": task_id})
    ]
    return {"task": task, "attempts": attempts, "ledger": ledger, "deliveries": deliveries}


def _print(page: dict[str, Any]) -> None:
    console, task = Console(), page["task"]
    console.print(f"[bold]{task['id']}[/bold]  {task['state']}  {task['model']}  {task['kind']}")
    if task.get("failure"):
        console.print(f"failure: {task['failure']['error_class']}: {task['failure']['message']}")
    _table(console, "states", task["history"], ["at", "state"])
    _table(
        console,
        "attempts",
        page["attempts"],
        ["number", "route", "dispatched_at", "submitted_at", "ended_at", "error_class", "error_message"],
    )
    money = [{**row, "amount": f"${usd_from_nano(row['amount'], 9)}"} for row in page["ledger"]]
    _table(console, "ledger", money, ["seq", "at", "op", "amount"])
    rows = [{**row, "tries": len(row["attempts"])} for row in page["deliveries"]]
    _table(console, "deliveries", rows, ["_id", "event", "state", "tries", "url"])
    for output in task.get("outputs", []):
        console.print(f"output {output['key']}  {output['width']}x{output['height']}  {output['size']} bytes")


def _table(console: Console, title: str, rows: list[dict[str, Any]], columns: list[str]) -> None:
    if not rows:
        return
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*(str(row.get(column, "")) for column in columns))
    console.print(table)
