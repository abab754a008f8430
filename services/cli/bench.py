"""`hatchery bench`: what a task costs, how long it takes, how long the proof of a long ledger takes."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import uuid
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from deploy.bench.chat import Chat
from deploy.bench.chat import Options as ChatOptions
from deploy.bench.chat_catalog import CATALOG as CHAT_CATALOG
from deploy.bench.chat_messages import Gateway
from deploy.bench.chat_result import ChatResult
from deploy.bench.chat_result import as_tables as chat_tables
from deploy.bench.errors import BenchError
from deploy.bench.ledger import LedgerBench, check_disk, own_database
from deploy.bench.ledger import Options as LedgerOptions
from deploy.bench.ledger_result import LedgerResult
from deploy.bench.ledger_result import as_tables as ledger_tables
from deploy.bench.output import as_tables, record
from deploy.bench.pipeline import Options, Pipeline, Watch
from deploy.bench.result import PipelineResult
from deploy.bench.stalled import Options as StalledOptions
from deploy.bench.stalled import Stalled
from deploy.bench.stalled_catalog import CATALOG
from deploy.bench.stalled_result import StalledResult
from deploy.bench.stalled_result import as_tables as stalled_tables
from deploy.bench.target import Target, own_stack
from deploy.bench.webhooks import Options as WebhooksOptions
from deploy.bench.webhooks import Webhooks
from deploy.bench.webhooks_result import WebhooksResult
from deploy.bench.webhooks_result import as_tables as webhooks_tables
from deploy.local.errors import StackError
from deploy.local.services import parse_scale
from services.cli.context import AsJson, StateDir, fail, show_json
from shared.errors import HatcheryError

Result = TypeVar("Result")

bench_app = typer.Typer(help="Measurements.", no_args_is_help=True)


@bench_app.callback()
def bench() -> None:
    """Measurements."""


@bench_app.command("pipeline")
def pipeline(
    tasks: Annotated[int, typer.Option(min=1, max=1_000_000, help="Tasks of the throughput phase.")] = 2000,
    concurrency: Annotated[int, typer.Option(min=1, max=1000, help="Tasks in flight.")] = 64,
    instant: Annotated[bool, typer.Option("--instant", help="Provider jobs are done at once.")] = False,
    accounts: Annotated[
        int, typer.Option(min=1, max=10_000, help="Accounts that share one half of the tasks.")
    ] = 50,
    webhooks: Annotated[bool, typer.Option(help="Every task has a webhook.")] = True,
    scale: Annotated[str, typer.Option(help="More processes in the bench's own stack: worker=2.")] = "",
    record_file: Annotated[
        Path | None, typer.Option("--record", help="Add the result to this markdown table.", dir_okay=False)
    ] = None,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """Send tasks through a running local stack, or through one of its own, and prove the ledger after them.

    Exit code 1 when a task fails or the ledger is wrong.
    """
    if state_dir is not None and scale:
        fail("--scale is for the bench's own stack: give it to `hatchery up` instead")
    options = Options(
        tasks=tasks, concurrency=concurrency, accounts=accounts, instant=instant, webhooks=webhooks
    )
    result = _run(_pipeline(options, state_dir, scale))
    if json:
        show_json(result)
    else:
        Console().print(as_tables(result), highlight=False)
    if record_file is not None:
        record(record_file, result)
    if not result.sound:
        raise typer.Exit(1)


@bench_app.command("stalled")
def stalled(
    tasks: Annotated[int, typer.Option(min=2, max=100_000, help="Tasks of each phase.")] = 200,
    stalled: Annotated[int, typer.Option(min=1, max=100_000, help="Tasks whose provider stalls.")] = 600,
    concurrency: Annotated[int, typer.Option(min=2, max=1000, help="Tasks of a phase in flight.")] = 8,
    json: AsJson = False,
) -> None:
    """Time tasks of two providers before a third one stalls and meanwhile, on a stack of the bench's own.

    Exit code 1 when a task fails, the stalled tasks do not stay or do not end as they should, or the ledger
    is wrong.
    """
    result = _run(_stalled(StalledOptions(tasks=tasks, stalled=stalled, concurrency=concurrency)))
    if json:
        show_json(result)
    else:
        Console().print(stalled_tables(result), highlight=False)
    if not result.sound:
        raise typer.Exit(1)


@bench_app.command("chat")
def chat(
    seconds: Annotated[float, typer.Option(min=0.2, max=600, help="Of each phase, after its warm-up.")] = 5,
    concurrency: Annotated[
        list[int] | None, typer.Option(min=1, max=1000, help="Clients at a time; give it several times.")
    ] = None,
    versus: Annotated[
        str | None, typer.Option(help="Another gateway's base address, up to /chat/completions.")
    ] = None,
    versus_key: Annotated[str, typer.Option(help="A key for it.")] = "none",
    versus_model: Annotated[str | None, typer.Option(help="Its name for the simulator's gpt-5-mini.")] = None,
    versus_command: Annotated[
        str | None, typer.Option(help="Starts it; finds the simulated OpenAI in $SIMULATOR_URL.")
    ] = None,
    scale: Annotated[str, typer.Option(help="More processes in the bench's own stack: api=2.")] = "",
    json: AsJson = False,
) -> None:
    """Time chats, whole and streamed, on a stack of the bench's own, and beside it another gateway.

    Exit code 1 when a request fails or the ledger is wrong.
    """
    if (versus is None) != (versus_model is None) or (versus is None and versus_command is not None):
        fail("--versus and --versus-model go together, and --versus-command needs both")
    options = ChatOptions(
        seconds=seconds,
        concurrencies=tuple(concurrency or ChatOptions.concurrencies),
        versus=Gateway(url=versus, key=versus_key, model=versus_model or "") if versus else None,
        versus_command=versus_command,
    )
    result = _run(_chat(options, scale))
    if json:
        show_json(result)
    else:
        Console().print(chat_tables(result), highlight=False)
    if not result.sound:
        raise typer.Exit(1)


@bench_app.command("ledger")
def ledger(
    rows: Annotated[int, typer.Option(min=1000, max=50_000_000, help="Entries to make up.")] = 5_000_000,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """Make up a long ledger in a database of its own, prove it, and time what is asked of it.

    Exit code 1 when the ledger is wrong or a query reads a whole collection.
    """
    result = _run(_ledger(LedgerOptions(rows=rows), state_dir))
    if json:
        show_json(result)
    else:
        Console().print(ledger_tables(result), highlight=False)
    if not result.sound:
        raise typer.Exit(1)


@bench_app.command("webhooks")
def webhooks(
    deliveries: Annotated[
        int, typer.Option(min=100, max=1_000_000, help="By callbacks, and again by an endpoint.")
    ] = 5000,
    at_once: Annotated[
        int, typer.Option(min=20, max=100_000, help="Of each round with dead receivers and without.")
    ] = 1000,
    receivers: Annotated[int, typer.Option(min=2, max=200, help="A fifth of them is dead.")] = 20,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="With dead receivers, and without.")] = 3,
    json: AsJson = False,
) -> None:
    """Time deliveries and what they cost one notifier, and do it again beside receivers that are dead.

    MongoDB, RabbitMQ, the notifier and the receivers are the bench's own.
    """
    options = WebhooksOptions(deliveries=deliveries, at_once=at_once, receivers=receivers, rounds=rounds)
    result = _run(_webhooks(options))
    if json:
        show_json(result)
    else:
        Console().print(webhooks_tables(result), highlight=False)


def _run(measurement: Coroutine[None, None, Result]) -> Result:
    """A known error ends the command with its sentence."""
    try:
        return asyncio.run(measurement)
    except (BenchError, StackError) as error:
        fail(str(error))
    except HatcheryError as error:
        fail(error.message)
    except asyncio.CancelledError:
        raise typer.Exit(128 + signal.SIGTERM) from None


async def _pipeline(options: Options, state_dir: Path | None, scale: str) -> PipelineResult:
    with _watching() as watch:
        if state_dir is not None:
            return await Pipeline(Target.read(state_dir), options, watch).run()
        async with own_stack(parse_scale(scale), lambda text: watch.phase(text, 0)) as target:
            return await Pipeline(target, options, watch).run()


async def _stalled(options: StalledOptions) -> StalledResult:
    with _watching() as watch:
        async with own_stack(parse_scale(""), lambda text: watch.phase(text, 0), CATALOG) as target:
            return await Stalled(target, options, watch).run()


async def _chat(options: ChatOptions, scale: str) -> ChatResult:
    with _watching() as watch:
        async with own_stack(parse_scale(scale), lambda text: watch.phase(text, 0), CHAT_CATALOG) as target:
            return await Chat(target, options, watch).run()


async def _ledger(options: LedgerOptions, state_dir: Path | None) -> LedgerResult:
    folder = state_dir or Path(tempfile.gettempdir())
    Console(stderr=True).print(check_disk(options, folder), highlight=False)
    name = f"bench_ledger_{uuid.uuid4().hex[:8]}"
    with _watching() as watch:
        if state_dir is not None:
            url = Target.read(state_dir).settings.mongo_url
            return await LedgerBench(url, name, options, watch).run()
        async with own_database(watch) as url:
            return await LedgerBench(url, name, options, watch).run()


async def _webhooks(options: WebhooksOptions) -> WebhooksResult:
    with _watching() as watch:
        return await Webhooks(options, watch).run()


@contextmanager
def _watching() -> Iterator[Watch]:
    """A progress bar; and SIGTERM, like Ctrl-C, ends the measurement with the bench's own stack."""
    this = asyncio.current_task()
    if this is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    ) as progress:
        bar = progress.add_task("start", total=None)
        yield Watch(
            phase=lambda name, total: progress.reset(bar, description=name, total=total or None),
            finished=lambda count: progress.update(bar, completed=count),
        )
