"""A simulator of its own process for these tests."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import SecretStr

from shared.http import provider_session
from shared.providers.base import Accepted, Done, Failed, GenerationRequest, Provider, ProviderJob, Running
from shared.providers.inputs import InputImages
from shared.providers.registry import ADAPTERS
from shared.providers.tools import ProviderTools, TimeLimits

MODELS = {"fal": "fal-ai/nano-banana", "replicate": "google/nano-banana"}
EDIT_MODELS = {"fal": "fal-ai/nano-banana/edit", "replicate": "google/nano-banana"}
_ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Simulator:
    """The running simulator and a session to reach it."""

    url: str
    session: aiohttp.ClientSession

    def provider(self, name: str, submit_timeout: timedelta = timedelta(seconds=5)) -> Provider:
        tools = ProviderTools(
            self.session, InputImages(self.session), limits=TimeLimits(submit=submit_timeout)
        )
        return ADAPTERS[name](tools, SecretStr("any-key"), f"{self.url}/{name}")

    async def rule(self, provider: str, times: int | None = None, **then: Any) -> None:
        """The next `times` submissions to `provider`, or all, meet this fault."""
        rules = [{"provider": provider, "times": times, "then": then}]
        async with self.session.put(f"{self.url}/_sim/rules", json=rules) as response:
            assert response.status < 300, await response.text()

    async def clear(self) -> None:
        async with self.session.delete(f"{self.url}/_sim/rules") as response:
            assert response.status < 300


@asynccontextmanager
async def simulator() -> AsyncIterator[Simulator]:
    """Starts `python -m deploy.simulator` on a free port and stops it again."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.simulator", "--port", "0", cwd=_ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 20)
        async with provider_session() as session:
            yield Simulator(line.decode().split()[-1], session)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def accept(provider: Provider, request: GenerationRequest) -> ProviderJob:
    result = await provider.submit(request)
    assert isinstance(result, Accepted), result
    return result.job


async def finish(provider: Provider, job: ProviderJob, polls: int = 100) -> Done | Failed | Running:
    """Polls until the job is over, or `polls` times."""
    state: Done | Failed | Running = Running()
    for _ in range(polls):
        state = await provider.poll(job)
        if not isinstance(state, Running):
            return state
        await asyncio.sleep(0.02)
    return state
