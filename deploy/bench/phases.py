"""The two phases: one task at a time for the times, many at a time for the costs."""

from __future__ import annotations

import asyncio
import statistics
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from deploy.bench.counters import Counts, read_counts, read_delivered
from deploy.bench.cpu import cpu_seconds, machine_seconds
from deploy.bench.generator import LoadGenerator
from deploy.bench.messages import LoadPlan, LoadResult
from deploy.bench.target import Target
from shared.mongo import Database
from shared.tasks.lifecycle import State

WEBHOOK_SECONDS = 60.0
WEBHOOK_LOOK_SECONDS = 0.2


@dataclass
class Stored:
    """Milliseconds from each request's start, after the times in MongoDB."""

    completed: list[float] = field(default_factory=list)
    reached: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def medians(self) -> dict[str, float]:
        return {state: round(statistics.median(times), 1) for state, times in self.reached.items()}


async def stored_times(database: Database, load: LoadResult) -> Stored:
    """When each task came into each state for the first time."""
    stored = Stored()
    started = {sent.task_id: sent.started_at for sent in load.sent}
    found = database["tasks"].find({"_id": {"$in": list(started)}}, {"history": 1})
    async for task in found:
        first: dict[str, float] = {}
        for change in task["history"]:
            since = (change["at"].timestamp() - started[task["_id"]]) * 1000
            first.setdefault(change["state"], since)
        for state, since in first.items():
            stored.reached[state].append(since)
        if State.COMPLETED in first:
            stored.completed.append(first[State.COMPLETED])
    return stored


@dataclass(frozen=True)
class Measured:
    """A phase with everything read just before and just after it."""

    load: LoadResult
    cpu_before: dict[str, float]
    cpu_after: dict[str, float]
    counts_before: Counts
    counts_after: Counts
    other_cpu_percent: float

    @property
    def webhooks_delivered(self) -> int:
        return int(self.counts_after.delivered - self.counts_before.delivered)

    @property
    def published(self) -> float:
        return self.counts_after.published - self.counts_before.published

    @property
    def swept(self) -> int:
        return int(self.counts_after.swept - self.counts_before.swept)


async def measure(
    target: Target, database: Database, plan: LoadPlan, progress: Callable[[int], None]
) -> Measured:
    """Run a plan and read what it cost, until the last webhook is delivered."""
    async with LoadGenerator(plan) as generator:
        pids: dict[str, list[int]] = {**target.pids, "load_generator": [generator.pid]}
        counts_before = await read_counts(database, target.ops_urls)
        cpu_before, machine_before = cpu_seconds(pids), machine_seconds()
        load = await generator.run(progress)
        if plan.webhook_url is not None:
            await _webhooks_delivered(target, counts_before, len(load.sent))
        cpu_after, machine_after = cpu_seconds(pids), machine_seconds()
        counts_after = await read_counts(database, target.ops_urls)
    busy, elapsed = (after - before for before, after in zip(machine_before, machine_after, strict=True))
    ours = sum(cpu_after.values()) - sum(cpu_before.values())
    other = round(max(0.0, busy - ours) / elapsed * 100, 1)
    return Measured(load, cpu_before, cpu_after, counts_before, counts_after, other)


async def _webhooks_delivered(target: Target, before: Counts, wanted: int) -> None:
    """Wait for them, but not for ever: how many there were is part of the result."""
    looks = int(WEBHOOK_SECONDS / WEBHOOK_LOOK_SECONDS)
    for _ in range(looks):
        if await read_delivered(target.ops_urls) - before.delivered >= wanted:
            return
        await asyncio.sleep(WEBHOOK_LOOK_SECONDS)
