"""The bench's end of the load generator."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Self

from deploy.bench.errors import BenchError
from deploy.bench.messages import LoadPlan, LoadResult, Report
from deploy.local.cache import REPOSITORY

LONGEST_LINE = 64 * 1024 * 1024
READY_SECONDS = 30.0
SPARE_SECONDS = 15.0
"""Beyond a plan's own limit, before the generator is taken to be stuck."""


class LoadGenerator:
    """A running generator process; leaving the context ends it."""

    def __init__(self, plan: LoadPlan) -> None:
        self._plan = plan
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "deploy.bench.load", cwd=REPOSITORY, limit=LONGEST_LINE,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            await self._send(self._plan.model_dump_json())
            async with asyncio.timeout(READY_SECONDS):
                while not (await self._line()).ready:
                    pass
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end()

    @property
    def pid(self) -> int:
        return self._running.pid

    async def run(self, progress: Callable[[int], None]) -> LoadResult:
        """Let it work; `progress` gets the number of tasks that are final."""
        await self._send("")
        try:
            async with asyncio.timeout(self._plan.limit_seconds + SPARE_SECONDS):
                while True:
                    report = await self._line()
                    if report.result is not None:
                        progress(self._plan.tasks)
                        return report.result
                    progress(report.finished)
        except TimeoutError:
            raise BenchError("The load generator does not answer.") from None

    @property
    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise BenchError("The load generator is not started.")
        return self._process

    async def _send(self, line: str) -> None:
        pipe = self._running.stdin
        if pipe is None:
            raise BenchError("The load generator has no input.")
        pipe.write(line.encode() + b"\n")
        await pipe.drain()

    async def _line(self) -> Report:
        pipe = self._running.stdout
        line = b"" if pipe is None else await pipe.readline()
        if not line:
            raise BenchError("The load generator ended before its work; its error stands above.")
        return Report.model_validate_json(line)

    async def _end(self) -> None:
        process = self._running
        if process.returncode is None:
            process.kill()
        await process.wait()
