"""`hatchery task show`: everything about one task on one page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from services.cli.context import AsJson, StateDir, act, show_json
from shared.ledger.refunds import UnknownTask, refunds_of
from shared.money import usd_from_nano
from shared.runtime import Platform

task_app = typer.Typer(help="Tasks.", no_args_is_help=True)


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
    ledger += [{"at": one.at, **one.entry.to_document()} for one in await refunds_of(database, task_id)]
    deliveries = [
        {**delivery, "body": bytes(delivery["body"]).decode()}
        async for delivery in database["deliveries"].find({"task_id": task_id})
    ]
    return {"task": task, "attempts": attempts, "ledger": ledger, "deliveries": deliveries}


def _print(page: dict[str, Any]) -> None:
    console, task = Console(), page["task"]
    console.print(f"[bold]{task['id']}[/bold]  {task['state']}  {task['model']}  {task['kind']}")
    console.print(f"created {task['created_at']:%Y-%m-%d}; all times are UTC")
    if task.get("failure"):
        console.print(f"failure: {task['failure']['error_class']}: {task['failure']['message']}")
    if waiting := task.get("waiting"):
        console.print(f"waits until {_cell(waiting['until'])}: {waiting['reason']}")
    if task.get("cancel_requested_at"):
        console.print(f"cancelled by the client at {_cell(task['cancel_requested_at'])}")
    _table(console, "states", ["at", "state"], [[row["at"], row["state"]] for row in task["history"]])
    _table(
        console,
        "attempts",
        ["route", "key", "dispatched", "submitted", "ended", "our cost", "error"],
        [
            [
                row["route"],
                row.get("key_id"),
                *(row.get(f"{step}_at") for step in ("dispatched", "submitted", "ended")),
                _usd(row.get("cost_nano")),
                ": ".join(filter(None, (row.get("error_class"), row.get("error_message")))),
            ]
            for row in page["attempts"]
        ],
    )
    _table(
        console,
        "ledger",
        ["at", "kind", "amount", "actor", "reason"],
        [
            [row["at"], row["kind"], _usd(row["amount"]), row.get("actor"), row.get("reason")]
            for row in page["ledger"]
        ],
    )
    _table(
        console,
        "deliveries",
        ["event", "state", "tries", "url"],
        [[row["event"], row["state"], len(row["attempts"]), row["url"]] for row in page["deliveries"]],
    )
    for output in task.get("outputs", []):
        sides = f"{output['width']}x{output['height']}  " if output.get("width") else ""
        length = f"{output['duration_ms'] / 1000:g} s  " if output.get("duration_ms") else ""
        console.print(f"output {output['key']}  {sides}{length}{output['size']} bytes")


def _table(console: Console, title: str, columns: list[str], rows: list[list[Any]]) -> None:
    if not rows:
        return
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console.print(table)


def _usd(nano: int | None) -> str | None:
    return None if nano is None else f"${usd_from_nano(nano, 9)}"


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return value.strftime("%H:%M:%S.%f")[:-3]
    return "" if value is None else str(value)
