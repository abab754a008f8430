"""A phase of tasks on the providers that work, and what it took."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from deploy.bench.cpu import cpu_seconds, machine_seconds
from deploy.bench.generator import LoadGenerator
from deploy.bench.messages import Customer, LoadPlan, LoadResult
from deploy.bench.pipeline import LIMIT_SECONDS, LIMIT_SECONDS_PER_TASK
from deploy.bench.quantiles import quantiles
from deploy.bench.stalled_catalog import HEALTHY
from deploy.bench.stalled_result import PhaseResult
from deploy.bench.target import Target


@dataclass(frozen=True)
class _Read:
    """What the kernel had counted at one moment, in seconds."""

    at: float
    spent: dict[str, float]
    busy: float
    cores: float

    @classmethod
    def now(cls, pids: Mapping[str, list[int]]) -> _Read:
        return cls(time.monotonic(), cpu_seconds(pids), *machine_seconds())


def phase_plans(
    target: Target, customers: Sequence[Customer], *, tasks: int, concurrency: int
) -> dict[str, LoadPlan]:
    """For each healthy provider its share of the tasks and of the clients; every task is polled."""
    return {
        provider: LoadPlan(
            api_url=target.api_url,
            mongo_url=target.settings.mongo_url,
            database=target.settings.mongo_database,
            hot=customers[0],
            others=list(customers[1:]),
            model=provider,
            tasks=_share(tasks, number),
            concurrency=_share(concurrency, number),
            poll_every=1,
            limit_seconds=LIMIT_SECONDS + LIMIT_SECONDS_PER_TASK * tasks,
        )
        for number, provider in enumerate(HEALTHY)
    }


def _share(whole: int, number: int) -> int:
    """Shares differ by one at most; the first ones are the larger."""
    return whole // len(HEALTHY) + (number < whole % len(HEALTHY))


async def run_phase(
    target: Target, plans: Mapping[str, LoadPlan], finished: Callable[[int], None]
) -> tuple[PhaseResult, list[LoadResult]]:
    """Run the plans side by side; `finished` gets the number of tasks that are final."""
    done = dict.fromkeys(plans, 0)

    def progress(provider: str, count: int) -> None:
        done[provider] = count
        finished(sum(done.values()))

    async with AsyncExitStack() as running:
        generators = {
            provider: await running.enter_async_context(LoadGenerator(plan))
            for provider, plan in plans.items()
        }
        own = [generator.pid for generator in generators.values()]
        pids: dict[str, list[int]] = {**target.pids, "load_generator": own}
        before = _Read.now(pids)
        found = await asyncio.gather(
            *(generator.run(partial(progress, provider)) for provider, generator in generators.items())
        )
        after = _Read.now(pids)
    return _phase_result(dict(zip(plans, found, strict=True)), before, after), found


def _phase_result(loads: Mapping[str, LoadResult], before: _Read, after: _Read) -> PhaseResult:
    seconds = after.at - before.at
    ours = sum(after.spent.values()) - sum(before.spent.values())
    other = max(0.0, after.busy - before.busy - ours)
    return PhaseResult(
        seconds=round(seconds, 2),
        submit_ms=quantiles([ms for load in loads.values() for ms in load.submit_ms]),
        submit_to_completed_ms=quantiles([ms for load in loads.values() for ms in load.seen_ms]),
        submit_to_completed_ms_by_provider={
            provider: quantiles(load.seen_ms) for provider, load in loads.items()
        },
        worker_cpu_percent=round((after.spent["worker"] - before.spent["worker"]) / seconds * 100, 1),
        other_cpu_percent=round(other / (after.cores - before.cores) * 100, 1),
    )
