"""What the supervisor shows: steps with their time, the merged log, the way of a task, the ready banner."""

from __future__ import annotations

import json
import time
from typing import Any

from rich.console import Console
from rich.text import Text

PREFIX_WIDTH = 11
COLOURS = {
    "api": "cyan",
    "router": "magenta",
    "worker": "green",
    "billing": "yellow",
    "notifier": "blue",
    "simulator": "bright_black",
}
LEVEL_COLOURS = {"warning": "yellow", "error": "red", "critical": "bold red"}
NOT_SHOWN = ("event", "level", "timestamp", "service", "logger")


class Terminal:
    """Everything goes through here, so that lines never mix."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or _Console(highlight=False)
        self._since = time.monotonic()

    def step(self, text: str) -> None:
        """Progress of the stack itself, with the seconds since the start."""
        elapsed = f"{time.monotonic() - self._since:6.1f} s  "
        self._print(Text.assemble((elapsed, "dim"), (text, "bold")))

    def trouble(self, text: str) -> None:
        self._print(Text.assemble(("  problem  ", "bold red"), text))

    def log_line(self, name: str, line: str) -> None:
        """A line of the merged log; JSON is turned into prose."""
        prefix = (f"{name:<{PREFIX_WIDTH}}│ ", COLOURS.get(name.partition("-")[0], "white"))
        self._print(Text.assemble(prefix, readable(line)))

    def table(self, title: str, rows: list[tuple[str, str]]) -> None:
        """Names and values; long values stay in one piece, so that they can be copied."""
        width = max(len(name) for name, _ in rows)
        self._print(Text(f"\n{title}", style="bold green"))
        for name, value in rows:
            self._print(Text.assemble((f"  {name:<{width}}  ", "dim"), value))
        self._print(Text())

    def plain(self, text: str) -> None:
        """Without frame or wrapping, to be copied."""
        self._print(Text(text))

    def _print(self, text: Text) -> None:
        try:
            self._console.print(text, soft_wrap=True)
        except OSError:
            # Nobody reads any more; the stack goes on, and stops in order, without words.
            self._console = Console(quiet=True)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the caller instead of ending the program."""
        raise BrokenPipeError


def readable(line: str) -> Text:
    """`{"event": "attempt failed", "level": "warning", "task_id": …}` → `attempt failed  task_id=…`."""
    record = _record(line)
    if record is None:
        return Text.from_ansi(line)
    fields = "  ".join(f"{key}={_short(value)}" for key, value in record.items() if key not in NOT_SHOWN)
    colour = LEVEL_COLOURS.get(str(record.get("level")), "")
    return Text.assemble((str(record["event"]), colour), ("  " + fields if fields else "", "dim"))


def _record(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "event" in record else None


def _short(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
