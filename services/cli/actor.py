"""Who does an administrative act, and why: it stands in the ledger beside the amount."""

from __future__ import annotations

import getpass
import socket
from typing import Annotated, Final

import typer

MOST_REASON: Final = 500
MOST_ACTOR: Final = 100


def os_actor() -> str:
    """The operator's login and machine, such as `os anna@ops-1`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # A container's user id without a name.
        user = "unknown"
    return f"os {user}@{socket.gethostname()}"[:MOST_ACTOR]


def checked_actor(text: str | None) -> str:
    """A `--actor`, or the operating system's user. Raises typer.BadParameter."""
    if text is None:
        return os_actor()
    return _checked(text, MOST_ACTOR)


def checked_reason(text: str) -> str:
    """A `--reason`, without spaces around it. Raises typer.BadParameter."""
    return _checked(text, MOST_REASON)


def _checked(text: str, most: int) -> str:
    stripped = text.strip()
    if not stripped:
        raise typer.BadParameter("it is empty")
    if len(stripped) > most:
        raise typer.BadParameter(f"it has {len(stripped)} characters; at most {most} are allowed")
    if not stripped.isprintable():
        raise typer.BadParameter("it has characters that cannot be printed")
    return stripped


Actor = Annotated[
    str,
    typer.Option(
        "--actor",
        help="Who does this; without it the user of the operating system.",
        default_factory=os_actor,
        show_default="os user@machine",
        callback=checked_actor,
    ),
]
"""An option of a command: `actor: Actor` without a default of its own, in front of those that have one."""

Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept.", callback=checked_reason)]
"""A required option of a command."""
