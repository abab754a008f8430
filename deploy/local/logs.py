"""Following the log files of our processes, so that none of them ever waits for the terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

PERIOD_SECONDS = 0.2
# More than this in one period scrolls by unread; the file has them all.
LINES_PER_PERIOD = 200


class LogTail:
    """Hands the new lines of several files to `show(name, line)`."""

    def __init__(self, show: Callable[[str, str], None]) -> None:
        self._show = show
        self._files: dict[Path, int] = {}

    def add(self, file: Path) -> None:
        """Follow this file from where it ends now."""
        self._files[file] = file.stat().st_size if file.exists() else 0

    async def follow(self) -> None:
        """Until cancelled; what was written before that is shown to the end."""
        try:
            while True:
                self._read()
                await asyncio.sleep(PERIOD_SECONDS)
        finally:
            self._read()

    def _read(self) -> None:
        for file, offset in self._files.items():
            if not file.exists():
                continue
            with file.open("rb") as log:
                log.seek(offset)
                # A line that is still being written is left for the next round.
                whole, newline, _ = log.read().rpartition(b"\n")
            self._files[file] = offset + len(whole) + len(newline)
            if newline:
                self._pass_on(file, whole.decode(errors="replace").split("\n"))

    def _pass_on(self, file: Path, lines: list[str]) -> None:
        for line in lines[:LINES_PER_PERIOD]:
            self._show(file.stem, line)
        if len(lines) > LINES_PER_PERIOD:
            self._show(file.stem, f"… {len(lines) - LINES_PER_PERIOD} more lines in {file}")
