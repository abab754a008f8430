"""Another gateway, started for the measurement and told where the simulator is."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from yarl import URL

from deploy.bench.errors import BenchError

START_SECONDS = 180.0
STOP_SECONDS = 15.0
LOOK_SECONDS = 0.2
VARIABLE = "SIMULATOR_URL"


@asynccontextmanager
async def other_gateway(command: str, url: str, simulator_url: str) -> AsyncIterator[int]:
    """Gives the pid once `url` is answered by whatever status; ends the process with its children.

    The command finds the simulated OpenAI's base address in SIMULATOR_URL. Raises BenchError.
    """
    process = await asyncio.create_subprocess_exec(
        *shlex.split(command),
        env=os.environ | {VARIABLE: simulator_url},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        await _answered(process, url)
        yield process.pid
    finally:
        await _stop(process)


async def _answered(process: asyncio.subprocess.Process, url: str) -> None:
    try:
        async with aiohttp.ClientSession() as session, asyncio.timeout(START_SECONDS):
            while process.returncode is None:
                try:
                    async with session.get(URL(url)):
                        return
                except aiohttp.ClientError:
                    await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        raise BenchError(f"The other gateway did not answer at {url} within {START_SECONDS:.0f} s.") from None
    raise BenchError("The other gateway ended at once; its error stands above.")


async def _stop(process: asyncio.subprocess.Process) -> None:
    for sent in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            return
        os.killpg(process.pid, sent)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            continue
