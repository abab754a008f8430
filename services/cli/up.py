"""`hatchery up`: the whole product on this machine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from deploy.local.errors import StackError
from deploy.local.parts import Options
from deploy.local.services import parse_scale
from deploy.local.stack import supervise
from deploy.local.terminal import Terminal


def up(
    state_dir: Annotated[Path, typer.Option(help="Where data, logs and keys are kept between runs.")] = Path(
        ".hatchery"
    ),
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the API listens, on loopback.")] = 8000,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget the data of earlier runs first.")] = False,
    scale: Annotated[str, typer.Option(help="More processes of some services: api=2,worker=3.")] = "",
    demo: Annotated[bool, typer.Option("--demo/--no-demo", help="Send one request and show its way.")] = True,
) -> None:
    """Start servers, simulated providers and all services, and keep them running until Ctrl-C."""
    terminal = Terminal()
    try:
        options = Options(state_dir=state_dir, port=port, scale=parse_scale(scale), fresh=fresh, demo=demo)
        asyncio.run(supervise(options, terminal))
    except StackError as error:
        terminal.trouble(str(error))
        raise typer.Exit(1) from error
