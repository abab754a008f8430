"""What the catalog allows a provider to be asked holds for all workers together."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

import pytest
import pytest_asyncio

from deploy.local.servers import Servers
from tests.harness.catalogs import image_model, route, stack_selling
from tests.harness.eventually import eventually
from tests.harness.rules import rule
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

TASKS = 30
CONCURRENCY = 4
RATE = 20


@pytest_asyncio.fixture(scope="module")
async def limited(
    servers: Servers, simulator_process: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    """Two workers that share four places at fal and twenty calls a second at Replicate."""
    models = {"few": image_model(route("fal", "few")), "slow": image_model(route("replicate", "slow"))}
    providers = {
        "fal": {"limits": {"concurrency": CONCURRENCY}},
        "replicate": {"limits": {"requests_per_second": RATE}},
    }
    folder = tmp_path_factory.mktemp("limited")
    async with stack_selling(models, servers, simulator_process.url, folder, providers=providers) as running:
        await running.start("worker")

        async def shared_out() -> bool:
            documents = await running.database["provider_shares"].find().to_list()
            parts = [part for one in documents for part in one["workers"].values()]
            return len(parts) == 4 and all(part["concurrency"] or part["rate"] for part in parts)

        assert await eventually(shared_out)
        yield running


async def _make(stack: Stack, simulator: Simulator, model: str, latency_ms: int) -> list[dict[str, Any]]:
    """The provider jobs of many tasks that come at the same time; all are delivered."""
    prompt = f"a hen {uuid.uuid4().hex}"
    await simulator.rules(rule("*", prompt, latency_ms=latency_ms))
    async with await stack.customer("10") as customer:
        ids = [await customer.submit(model=model, prompt=prompt) for _ in range(TASKS)]
        tasks = await customer.all_finished(ids, seconds=120)
        assert [task["status"] for task in tasks] == ["completed"] * TASKS
        stored = [await stack.stored(task_id) for task_id in ids]
        balance = await stack.balance(customer)
    assert [len(task.attempts) for task in stored] == [1] * TASKS
    assert (balance.spent, balance.held) == (TASKS * 10_000_000, 0)
    jobs = await simulator.jobs(prompt)
    assert len(jobs) == TASKS
    return jobs


async def test_two_workers_together_have_no_more_jobs_than_the_provider_allows(
    limited: Stack, simulator: Simulator
) -> None:
    jobs = await _make(limited, simulator, "few", latency_ms=400)

    assert 1 < _most_at_a_time(jobs) <= CONCURRENCY


async def test_two_workers_together_make_no_more_calls_a_second_than_the_provider_allows(
    limited: Stack, simulator: Simulator
) -> None:
    jobs = await _make(limited, simulator, "slow", latency_ms=300)

    submitted = sorted(_time(job["submitted_at"]) for job in jobs)
    second = timedelta(seconds=1)
    in_a_second = max(sum(at <= one < at + second for one in submitted) for at in submitted)
    assert in_a_second <= RATE + 2
    calls = len(jobs) + sum(job["polls"] for job in jobs)
    lasted = max(_time(job["finished_at"]) for job in jobs) - submitted[0]
    assert calls / lasted.total_seconds() <= RATE * 1.1


def _most_at_a_time(jobs: Sequence[dict[str, Any]]) -> int:
    begins = [(_time(job["submitted_at"]), 1) for job in jobs]
    ends = [(_time(job["finished_at"]), -1) for job in jobs]
    return max(accumulate(change for _, change in sorted(begins + ends)))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
