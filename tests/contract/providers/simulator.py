"""A simulator of its own process for these tests, and what they do with it."""

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

from shared.http import EgressPolicy, guarded_session, provider_session, read_capped
from shared.providers.base import (
    Accepted,
    Done,
    EmbeddingProvider,
    Failed,
    GenerationRequest,
    MediaProvider,
    Output,
    Provider,
    ProviderJob,
    Running,
    TextProvider,
)
from shared.providers.inputs import InputImages
from shared.providers.registry import ADAPTERS
from shared.providers.tools import ProviderTools, TimeLimits

KEY = "key-of-these-tests"
LOCAL = EgressPolicy(allow_http=True, allow_loopback=True, ports=None)
BASE_PATHS = {"openai": "/openai/v1", "openrouter": "/openrouter/api/v1"}
_ROOT = Path(__file__).parents[3]
_SHORT = timedelta(seconds=0.5)
SHORT = TimeLimits(submit=_SHORT, poll=_SHORT, generate=_SHORT, first_event=_SHORT, idle=_SHORT)
"""For tests in which the provider falls silent."""


@dataclass(frozen=True)
class Simulator:
    """The running simulator and a session to reach it."""

    url: str
    session: aiohttp.ClientSession

    def media(self, name: str, limits: TimeLimits | None = None) -> MediaProvider:
        return media_at(self.session, name, self.base_url(name), limits)

    def text(self, name: str, limits: TimeLimits | None = None) -> TextProvider:
        adapter = adapter_at(self.session, name, self.base_url(name), limits)
        assert isinstance(adapter, TextProvider)
        return adapter

    def embeddings(self, name: str, limits: TimeLimits | None = None) -> EmbeddingProvider:
        adapter = adapter_at(self.session, name, self.base_url(name), limits)
        assert isinstance(adapter, EmbeddingProvider)
        return adapter

    def picture(self, size: str = "320x200", label: str = "source") -> str:
        """The address of a picture to edit."""
        return f"{self.url}/_sim/image/{size}.png?label={label}"

    async def rule(
        self, provider: str, times: int | None = None, timing: dict[str, int] | None = None, **then: Any
    ) -> None:
        """The next `times` submissions to `provider`, or all, meet this fault and this timing."""
        rules = [{"provider": provider, "times": times, "then": then, **(timing or {})}]
        async with self.session.put(f"{self.url}/_sim/rules", json=rules) as response:
            assert response.status < 300, await response.text()

    async def jobs(self, provider: str) -> list[dict[str, Any]]:
        """What the provider took, oldest first."""
        async with self.session.get(f"{self.url}/_sim/jobs", params={"provider": provider}) as response:
            listed: list[dict[str, Any]] = (await response.json())["jobs"]
            return listed

    async def settled(self, provider: str) -> None:
        """Returns when none of the provider's jobs is in work any more."""
        for _ in range(500):
            if not any(job["state"] in ("queued", "running") for job in await self.jobs(provider)):
                return
            await asyncio.sleep(0.02)
        raise AssertionError("a job is still in work")

    async def clear(self) -> None:
        for path in ("rules", "jobs"):
            async with self.session.delete(f"{self.url}/_sim/{path}") as response:
                assert response.status < 300

    def base_url(self, provider: str) -> str:
        return self.url + BASE_PATHS.get(provider, f"/{provider}")


def adapter_at(
    session: aiohttp.ClientSession, name: str, base_url: str, limits: TimeLimits | None = None
) -> Provider:
    """The adapter of a provider that is to be found at `base_url`."""
    tools = ProviderTools(session, InputImages(session), limits=limits or TimeLimits())
    return ADAPTERS[name](tools, SecretStr(KEY), base_url)


def media_at(
    session: aiohttp.ClientSession, name: str, base_url: str, limits: TimeLimits | None = None
) -> MediaProvider:
    """The same, of a provider that makes pictures."""
    adapter = adapter_at(session, name, base_url, limits)
    assert isinstance(adapter, MediaProvider)
    return adapter


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


async def accept(provider: MediaProvider, request: GenerationRequest) -> ProviderJob:
    result = await provider.submit(request)
    assert isinstance(result, Accepted), result
    return result.job


async def finish(provider: MediaProvider, job: ProviderJob, polls: int = 100) -> Done | Failed | Running:
    """Polls until the job is over, or `polls` times."""
    state: Done | Failed | Running = Running()
    for _ in range(polls):
        state = await provider.poll(job)
        if not isinstance(state, Running):
            return state
        await asyncio.sleep(0.02)
    return state


async def outcome(provider: MediaProvider, request: GenerationRequest) -> Done | Failed | Running:
    """How a request ends, whether it becomes a job or is answered at once."""
    result = await provider.submit(request)
    return await finish(provider, result.job) if isinstance(result, Accepted) else result


async def made(provider: MediaProvider, request: GenerationRequest) -> Done:
    """What a request that succeeds ends with."""
    result = await outcome(provider, request)
    assert isinstance(result, Done), result
    return result


async def fetched(output: Output) -> tuple[int, bytes]:
    """Status and bytes of an output, as a service without any provider's key gets them."""
    if output.data is not None:
        return 200, output.data
    assert output.url is not None
    async with guarded_session(LOCAL) as session, session.get(output.url, allow_redirects=False) as response:
        return response.status, await read_capped(response, 20_000_000, timedelta(seconds=10))
