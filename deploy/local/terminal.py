"""What the supervisor shows: steps with their time, the merged log, the way of a task, the ready banner."""

from __future__ import annotations

import json
import time
from typing import Any

from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.table import Table
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
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim")
        grid.add_column()
        for name, value in rows:
            grid.add_row(Text(name), Text(value, overflow="fold"))
        self._print(
            Panel(grid, title=title, title_align="left", border_style="green", expand=False), fold=True
        )

    def plain(self, text: str) -> None:
        """Without frame or wrapping, to be copied."""
        self._print(Text(text))

    def _print(self, what: RenderableType, *, fold: bool = False) -> None:
        try:
            self._console.print(what, soft_wrap=not fold)
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
