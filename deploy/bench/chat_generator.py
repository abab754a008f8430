"""The bench's end of the chat load generator."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deploy.bench.chat_messages import ChatLoad, ChatPlan
from deploy.bench.errors import BenchError
from deploy.local.cache import REPOSITORY

LONGEST_LINE = 256 * 1024 * 1024
SPARE_SECONDS = 90.0
"""Beyond a phase's own time, before the generator is taken to be stuck."""


class ChatGenerator:
    """A running generator process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    async def run(self, plan: ChatPlan) -> ChatLoad:
        """One phase of load. Raises BenchError."""
        to, back = self._process.stdin, self._process.stdout
        if to is None or back is None:
            raise BenchError("The load generator has no pipes.")
        to.write(plan.model_dump_json().encode() + b"\n")
        await to.drain()
        try:
            async with asyncio.timeout(plan.warm_up_seconds + plan.seconds + SPARE_SECONDS):
                line = await back.readline()
        except TimeoutError:
            raise BenchError("The load generator does not answer.") from None
        if not line:
            raise BenchError("The load generator ended before its work; its error stands above.")
        return ChatLoad.model_validate_json(line)


@asynccontextmanager
async def chat_generator() -> AsyncIterator[ChatGenerator]:
    """Ends with the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.bench.chat_load", cwd=REPOSITORY, limit=LONGEST_LINE,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield ChatGenerator(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
