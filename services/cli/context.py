"""What the administrative commands share: settings, connections, output, errors."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import orjson
import typer
from pydantic import BaseModel
from rich.console import Console

from shared.errors import HatcheryError
from shared.logging import configure_logging
from shared.mongo import DatabaseUnavailable, is_unavailable
from shared.runtime import Platform, open_platform
from shared.settings import BadSettings, Settings, read_settings

T = TypeVar("T")

StateDir = Annotated[
    Path | None, typer.Option("--state-dir", help="Use the local stack that runs with this state directory.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

SETTINGS_FILE = "settings.env"


def settings_for(state_dir: Path | None) -> Settings:
    """Settings of the environment, or of a local stack. Raises BadSettings."""
    if state_dir is None:
        return read_settings(Settings)
    file = state_dir / SETTINGS_FILE
    if not file.is_file():
        raise BadSettings(
            f"{file} does not exist: start the stack with `hatchery up --state-dir {state_dir}`"
        )
    return read_settings(Settings, file)


def act(state_dir: Path | None, work: Callable[[Platform], Awaitable[T]]) -> T:
    """Run one piece of work against the database; a known error ends the command with its sentence."""
    configure_logging("console", "error")
    try:
        return asyncio.run(_act(settings_for(state_dir), work))
    except BadSettings as error:
        hint = "" if state_dir else "\nSet them, or name a running local stack with --state-dir."
        fail(error.message + hint)
    except HatcheryError as error:
        fail(error.message)


async def _act(settings: Settings, work: Callable[[Platform], Awaitable[T]]) -> T:
    async with open_platform(settings, "cli", wait_for_database=False) as platform:
        try:
            return await work(platform)
        except Exception as error:
            if is_unavailable(error):
                raise DatabaseUnavailable from error
            raise


def fail(message: str) -> NoReturn:
    """Say what is wrong and end with exit code 1."""
    Console(stderr=True).print(f"[red]error:[/red] {message}", highlight=False, soft_wrap=True)
    raise typer.Exit(1)


def show_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(orjson.dumps(value, default=_plain, option=orjson.OPT_INDENT_2).decode() + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return str(value)
