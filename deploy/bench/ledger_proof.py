"""A verification in a process of its own, so that its memory is nobody else's.

`python -m deploy.bench.ledger_proof URL DATABASE whole|since`: a line of JSON per report, the last with the
result.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import uvloop
from pydantic import BaseModel

from deploy.bench.errors import BenchError
from deploy.local.cache import REPOSITORY
from shared.clock import DatabaseClock
from shared.ledger.proof.since import SETTLING_TIME, SinceLast
from shared.ledger.verify import Verification
from shared.mongo import connect

Mode = Literal["whole", "since"]
TELL_EVERY_SECONDS = 0.5


class Proved(BaseModel):
    """What a verification took."""

    seconds: float
    entries: int
    tasks: int
    cpu_seconds: float
    """Of the verifying process, without the database."""
    peak_mib: float
    idle_mib: float
    """Of the same process before it began."""
    violations: list[str]


class _Line(BaseModel):
    rows: int = 0
    result: Proved | None = None


async def prove(url: str, database: str, mode: Mode, tell: Callable[[int], None]) -> Proved:
    """Run it in another process; `tell` gets the rows read so far. Raises BenchError."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.bench.ledger_proof", url, database, mode,
        cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        while process.stdout is not None and (text := await process.stdout.readline()):
            line = _Line.model_validate_json(text)
            if line.result is not None:
                return line.result
            tell(line.rows)
        raise BenchError("The verification ended before its work; its error stands above.")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _work(url: str, database: str, mode: str) -> Proved:
    told = time.monotonic()

    def tell(rows: int) -> None:
        nonlocal told
        if time.monotonic() - told > TELL_EVERY_SECONDS:
            told = time.monotonic()
            _say(_Line(rows=rows))

    async with connect(url) as client:
        clock = DatabaseClock()
        await clock.read(client)
        books, now = client[database], clock.now()
        idle, began, cpu = _peak_mib(), time.monotonic(), time.process_time()
        if mode == "whole":
            report = await Verification(books, now, watch=tell).run()
        else:
            report = await SinceLast(books, now, now - SETTLING_TIME).run()
        return Proved(
            seconds=round(time.monotonic() - began, 3),
            entries=report.entries,
            tasks=report.tasks,
            cpu_seconds=round(time.process_time() - cpu, 2),
            peak_mib=round(_peak_mib(), 1),
            idle_mib=round(idle, 1),
            violations=[f"{one.invariant} {one.subject}: {one.detail}" for one in report.violations[:20]],
        )


def _peak_mib() -> float:
    """Since this program began; `ru_maxrss` has what its parent took in it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _say(line: _Line) -> None:
    sys.stdout.write(line.model_dump_json() + "\n")
    sys.stdout.flush()


def main() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(_work(*sys.argv[1:4]))
    _say(_Line(result=result))


if __name__ == "__main__":
    main()
