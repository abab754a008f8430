"""What can go wrong with the local stack, in words for the person at the terminal."""

from __future__ import annotations

from pathlib import Path

TAIL_LINES = 15


class StackError(Exception):
    """The stack cannot start or go on; the text names the cause and the fix."""


class DiedEarlyError(StackError):
    """A process ended before it was ready."""

    def __init__(self, name: str, exit_code: int, log_file: Path) -> None:
        super().__init__(f"{name} ended with code {exit_code} before it was ready.\n{tail(log_file)}")


class NotReadyError(StackError):
    """A process runs but does not become ready."""

    def __init__(self, name: str, seconds: float, log_file: Path) -> None:
        super().__init__(f"{name} is not ready after {seconds:.0f} s.\n{tail(log_file)}")


def tail(log_file: Path) -> str:
    """The last lines of a log under its name."""
    if not log_file.exists():
        return f"It wrote no log ({log_file})."
    lines = log_file.read_text(errors="replace").splitlines()[-TAIL_LINES:]
    return "\n".join([f"The end of {log_file}:", *(f"    {line}" for line in lines)])
