"""`hatchery run SERVICE…`: services in this process, until told to stop."""

from __future__ import annotations

import importlib
from typing import Annotated

import typer

from services.cli.context import fail
from shared.errors import HatcheryError
from shared.killpoints import UnknownKillPoint
from shared.logging import configure_logging
from shared.runtime import Build, run_process
from shared.settings import Settings, read_settings
from shared.tasks.lifecycle import Role


def run(
    services: Annotated[list[Role], typer.Argument(help="One or several of the five.", show_default=False)],
) -> None:
    """Run services against the servers that settings name (HATCHERY_MONGO_URL, …)."""
    roles = list(dict.fromkeys(services))
    try:
        settings = read_settings(Settings)
        configure_logging(settings.log_format, settings.log_level)
        code = run_process(settings, [_build(role) for role in roles], "-".join(roles))
    except (HatcheryError, UnknownKillPoint) as error:
        fail(str(error))
    raise typer.Exit(code)


def _build(role: Role) -> Build:
    """A service's constructor. Imported here, so that a process loads nothing of the other services."""
    build: Build = importlib.import_module(f"services.{role}.app").build
    return build
