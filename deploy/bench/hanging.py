"""Tasks that their provider takes and never finishes, from the first submission to the last cancellation."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import aiohttp

from deploy.bench.clients import PROMPT, REQUEST_LIMIT
from deploy.bench.errors import BenchError
from deploy.bench.messages import Customer
from deploy.bench.target import Target
from shared.mongo import Database
from shared.tasks.lifecycle import FINAL, State
from shared.waiting import cancel

CALLS_AT_ONCE = 16
LOOK_EVERY_SECONDS = 0.5
STILL_SECONDS = 3.0
"""Nothing moves for this long once the worker has taken what it can."""
LIMIT_SECONDS = 180.0
RESTING = frozenset({State.RUNNING, State.DISPATCHED})


@dataclass(frozen=True)
class Counts:
    """How many tasks are in each state, and how many jobs of theirs the provider has open."""

    states: dict[str, int]
    provider_jobs: int

    @property
    def at_provider(self) -> int:
        return self.states.get(State.RUNNING, 0)

    @property
    def waiting(self) -> int:
        """Dispatched, and not yet taken by a worker."""
        return self.states.get(State.DISPATCHED, 0)

    @property
    def at_rest(self) -> bool:
        return self.states.keys() <= RESTING and self.provider_jobs == self.at_provider

    @property
    def final(self) -> bool:
        return self.states.keys() <= FINAL


class Hanging:
    """The tasks of one customer on one model whose provider stalls."""

    def __init__(
        self, target: Target, database: Database, customer: Customer, *, model: str, provider: str
    ) -> None:
        self._api_url = target.api_url
        self._jobs_url = f"{target.simulator_url}/_sim/jobs?provider={provider}"
        self._tasks = database["tasks"]
        self._headers = {"Authorization": f"Bearer {customer.api_key}"}
        self._model = model
        self._ids: list[str] = []

    async def submit(self, count: int, progress: Callable[[int], None]) -> None:
        """Raises `BenchError` when a task is not accepted."""
        body = {"model": self._model, "prompt": PROMPT}
        accepted = await self._post(("/v1/generate" for _ in range(count)), body, progress)
        self._ids = [answer["data"]["id"] for answer in accepted]

    async def counts(self) -> Counts:
        """As it is now."""
        found = await self._tasks.aggregate(
            [{"$match": {"_id": {"$in": self._ids}}}, {"$group": {"_id": "$state", "count": {"$sum": 1}}}]
        )
        states = {row["_id"]: row["count"] async for row in found}
        async with (
            aiohttp.ClientSession(timeout=REQUEST_LIMIT, raise_for_status=True) as session,
            session.get(self._jobs_url) as response,
        ):
            jobs = (await response.json())["jobs"]
        return Counts(states, sum(job["finished_at"] is None for job in jobs))

    async def settled(self, progress: Callable[[int], None]) -> Counts:
        """Wait until every task is at its provider or in the queue before it, and no more are taken."""
        counts, still_since = await self.counts(), time.monotonic()
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                while not counts.at_rest or time.monotonic() - still_since < STILL_SECONDS:
                    await asyncio.sleep(LOOK_EVERY_SECONDS)
                    before, counts = counts, await self.counts()
                    progress(counts.at_provider)
                    if counts != before:
                        still_since = time.monotonic()
        except TimeoutError:
            raise BenchError(f"The stalled tasks do not come to rest: {counts}") from None
        return counts

    async def cancel(self, progress: Callable[[int], None]) -> Counts:
        """Cancel all through the api and wait until they are final. Raises `BenchError`."""
        await self._post((f"/v1/tasks/{task_id}/cancel" for task_id in self._ids), None, progress)
        counts = await self.counts()
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                while not counts.final:
                    await asyncio.sleep(LOOK_EVERY_SECONDS)
                    counts = await self.counts()
        except TimeoutError:
            raise BenchError(f"The cancelled tasks do not end: {counts}") from None
        return counts

    async def _post(
        self, paths: Iterable[str], body: dict[str, str] | None, progress: Callable[[int], None]
    ) -> list[dict[str, Any]]:
        """The answers, some at a time. Raises `BenchError` unless each is a 202."""
        waiting, answers = iter(paths), list[dict[str, Any]]()

        async def caller() -> None:
            for path in waiting:
                async with session.post(f"{self._api_url}{path}", json=body) as response:
                    if response.status != 202:
                        text = (await response.text())[:200]
                        raise BenchError(f"{path} answered with {response.status}: {text}")
                    answers.append(await response.json())
                progress(len(answers))

        async with aiohttp.ClientSession(headers=self._headers, timeout=REQUEST_LIMIT) as session:
            callers = [asyncio.create_task(caller(), name=f"caller {n}") for n in range(CALLS_AT_ONCE)]
            try:
                await asyncio.gather(*callers)
            except aiohttp.ClientError as error:
                raise BenchError(f"The api does not answer: {error}") from error
            finally:
                await cancel(*callers)
        return answers
