"""The customers of the bench: so many at a time, each with one task in flight."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import cycle

import aiohttp

from deploy.bench.follower import Follower
from deploy.bench.messages import Customer, LoadPlan, LoadResult, Sent
from shared.tasks.lifecycle import FINAL, State

REQUEST_LIMIT = aiohttp.ClientTimeout(total=30)
PROBLEMS_KEPT = 5
POLL_SECONDS = 0.005
FIRST_POLL_SHARE = 0.8
"""Of the usual time, before a client asks for the first time."""
POLL_SHARE = 0.1
"""Of the time since the first poll, until the next: a long wait need not be known exactly."""
PROMPT = "A hen reading a newspaper"


class Clients:
    """Sends the tasks of a plan and sees them through. `finished` is called for each."""

    def __init__(
        self,
        plan: LoadPlan,
        session: aiohttp.ClientSession,
        follower: Follower,
        finished: Callable[[], None],
    ) -> None:
        self._plan = plan
        self._session = session
        self._follower = follower
        self._finished = finished
        self._body = {"model": plan.model, "prompt": PROMPT}
        if plan.webhook_url is not None:
            self._body["webhook_url"] = plan.webhook_url
        self._result = LoadResult(seconds=0)
        self._done = 0

    async def run(self) -> LoadResult:
        """All tasks, or as many as the time limit allows."""
        began = time.monotonic()
        work = enumerate(self._customers())
        try:
            async with asyncio.timeout(self._plan.limit_seconds), asyncio.TaskGroup() as group:
                for number in range(min(self._plan.concurrency, self._plan.tasks)):
                    group.create_task(self._client(work), name=f"client {number}")
        except TimeoutError:
            self._fault(f"{self._plan.tasks - self._done} tasks were not final in time")
        self._result.seconds = time.monotonic() - began
        self._result.failed += self._plan.tasks - self._done
        return self._result

    def _customers(self) -> Iterator[Customer]:
        """Every other task belongs to the hot account, the rest to the others in turn."""
        others = cycle(self._plan.others)
        for number in range(self._plan.tasks):
            yield next(others) if number % 2 else self._plan.hot

    async def _client(self, work: Iterator[tuple[int, Customer]]) -> None:
        for number, customer in work:
            await self._one(number, customer)
            self._done += 1
            self._finished()

    async def _one(self, number: int, customer: Customer) -> None:
        headers = {"Authorization": f"Bearer {customer.api_key}"}
        started_at, clock = time.time(), time.perf_counter()
        try:
            task_id = await self._submit(headers)
            if task_id is None:
                return
            self._result.submit_ms.append((time.perf_counter() - clock) * 1000)
            self._result.sent.append(Sent(task_id=task_id, started_at=started_at))
            if number % self._plan.poll_every:
                state = await self._follower.final_state(task_id)
            else:
                state = await self._polled(task_id, headers, clock)
        except aiohttp.ClientError as error:
            self._fail(f"{type(error).__name__}: {error}")
            return
        if state is not State.COMPLETED:
            self._fail(f"{task_id} ended as {state}")

    async def _submit(self, headers: dict[str, str]) -> str | None:
        url = f"{self._plan.api_url}/v1/generate"
        async with self._session.post(url, json=self._body, headers=headers) as response:
            if response.status != 202:
                self._fail(f"submit answered with {response.status}: {(await response.text())[:200]}")
                return None
            return str((await response.json())["data"]["id"])

    async def _polled(self, task_id: str, headers: dict[str, str], clock: float) -> State:
        """Ask first when most tasks are nearly done, then often: few polls, and little lost between two."""
        seen = self._result.seen_ms
        usual = statistics.median(seen[-50:]) / 1000 if seen else 0.0
        first_poll = clock + usual * FIRST_POLL_SHARE
        await asyncio.sleep(max(0.0, first_poll - time.perf_counter()))
        url = f"{self._plan.api_url}/v1/tasks/{task_id}"
        while True:
            async with self._session.get(url, headers=headers) as response:
                response.raise_for_status()
                status = (await response.json())["data"]["status"]
            now = time.perf_counter()
            if status in FINAL:
                seen.append((now - clock) * 1000)
                return State(status)
            await asyncio.sleep(max(POLL_SECONDS, (now - first_poll) * POLL_SHARE))

    def _fail(self, problem: str) -> None:
        self._result.failed += 1
        self._fault(problem)

    def _fault(self, problem: str) -> None:
        if len(self._result.problems) < PROBLEMS_KEPT:
            self._result.problems.append(problem)
