"""`hatchery dlq list | replay`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, TypeVar

import typer
from aio_pika.abc import AbstractChannel
from rich.console import Console
from rich.table import Table

from services.cli.context import AsJson, StateDir, fail, settings_for, show_json
from shared.bus.connection import BROKER_ERRORS, connection
from shared.bus.dead_letters import list_dead, queues, replay
from shared.bus.topology import QueueSpec
from shared.catalog.load import load_catalog
from shared.errors import HatcheryError

T = TypeVar("T")

dlq_app = typer.Typer(help="Dead letters: messages that no consumer could use.", no_args_is_help=True)
OneQueue = Annotated[str | None, typer.Option("--queue", help="Only this queue, such as billing.tasks.")]


@dlq_app.command("list")
def list_letters(
    queue: OneQueue = None,
    most: Annotated[int, typer.Option(help="Messages of each queue.", min=1)] = 100,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """Show dead letters; they stay where they are."""
    letters = _with_channel(state_dir, queue, lambda channel, specs: list_dead(channel, specs, most))
    if json:
        show_json([asdict(letter) for letter in letters])
        return
    if not letters:
        Console().print("no dead letters")
        return
    table = Table("queue", "type", "tasks")
    for letter in letters:
        table.add_row(letter.queue, letter.type, ", ".join(letter.task_ids) or letter.body)
    Console().print(table)


@dlq_app.command("replay")
def replay_letters(queue: OneQueue = None, state_dir: StateDir = None, json: AsJson = False) -> None:
    """Put dead letters back into the queues they came from."""
    count = _with_channel(state_dir, queue, replay)
    if json:
        show_json({"replayed": count})
        return
    Console().print(f"replayed {count}")


def _with_channel(
    state_dir: StateDir, queue: str | None, work: Callable[[AbstractChannel, list[QueueSpec]], Awaitable[T]]
) -> T:
    async def run() -> T:
        settings = settings_for(state_dir)
        specs = [
            spec for spec in queues(load_catalog(settings.catalog).providers) if queue in {None, spec.name}
        ]
        if not specs:
            raise UnknownQueue(f"There is no queue {queue}.")
        async with connection(settings.amqp_url, "cli") as (opened, _):
            return await work(await opened.channel(), specs)

    try:
        return asyncio.run(run())
    except HatcheryError as error:
        fail(error.message)
    except BROKER_ERRORS as error:
        fail(f"the broker cannot be reached: {type(error).__name__}")


class UnknownQueue(HatcheryError):
    """There is no such queue."""
