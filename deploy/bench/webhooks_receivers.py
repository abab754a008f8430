"""The bench's end of the receivers."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from deploy.bench.errors import BenchError
from deploy.local.cache import REPOSITORY
from deploy.local.ports import HOST

LONGEST_LINE = 64 * 1024 * 1024
ANSWER_SECONDS = 30.0


class Receivers:
    """A running process of receivers; leaving the context ends it."""

    def __init__(self, living: int, hanging: int = 0, failing: int = 0, refusing: int = 0) -> None:
        self._numbers = (living, hanging, failing, refusing)
        self._process: asyncio.subprocess.Process | None = None
        self.living: list[str] = []
        """Addresses that answer 200."""
        self.dead: list[str] = []
        """Addresses that do not."""

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "deploy.bench.webhooks_receiver", *map(str, self._numbers),
            cwd=REPOSITORY, limit=LONGEST_LINE,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            urls = [f"http://{HOST}:{port}/hook" for port in await self._line()]
        except BaseException:
            await self._end()
            raise
        self.living, self.dead = urls[: self._numbers[0]], urls[self._numbers[0] :]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end()

    async def counts(self) -> Sequence[int]:
        """How many tasks each living receiver has heard of since the last `take`."""
        return [int(count) for count in await self._ask("count")]

    async def take(self) -> Sequence[dict[str, float]]:
        """Of each living receiver, when it heard of each task first, in seconds since 1970."""
        return list(await self._ask("take"))

    async def _ask(self, what: str) -> Any:
        process = self._process
        if process is None or process.stdin is None:
            raise BenchError("The receivers are not started.")
        process.stdin.write(what.encode() + b"\n")
        await process.stdin.drain()
        return await self._line()

    async def _line(self) -> Any:
        pipe = self._process.stdout if self._process else None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                line = b"" if pipe is None else await pipe.readline()
        except TimeoutError:
            raise BenchError("The receivers do not answer.") from None
        if not line:
            raise BenchError("The receivers ended before their work; their error stands above.")
        return json.loads(line)

    async def _end(self) -> None:
        if self._process is not None:
            if self._process.returncode is None:
                self._process.kill()
            await self._process.wait()
