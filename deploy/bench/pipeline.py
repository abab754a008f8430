"""`hatchery bench pipeline`: the whole measurement, from accounts to the proof of the ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from deploy.bench.counters import mongo_per_task
from deploy.bench.cpu import ms_per_task
from deploy.bench.customers import make_customers
from deploy.bench.machine import machine_facts
from deploy.bench.messages import LoadPlan, LoadResult
from deploy.bench.phases import Measured, Stored, measure, stored_times
from deploy.bench.quantiles import quantiles
from deploy.bench.result import PipelineResult
from deploy.bench.simulated import provider_pace
from deploy.bench.target import Target
from shared.clock import DatabaseClock
from shared.ids import Prefix, new_id
from shared.ledger.proof.report import Report
from shared.ledger.verify import Verification
from shared.mongo import Database, connect

PROVIDER_MS = 300
SINGLE_TASKS = 50
WARM_UP_TASKS = 10
POLLED_ONE_IN = 40
POLLED_AT_LEAST = 20
LIMIT_SECONDS = 60.0
LIMIT_SECONDS_PER_TASK = 0.2


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure."""

    tasks: int = 2000
    concurrency: int = 64
    accounts: int = 50
    instant: bool = False
    webhooks: bool = True

    @property
    def provider_ms(self) -> int:
        return 0 if self.instant else PROVIDER_MS


@dataclass(frozen=True)
class Watch:
    """Whoever shows how far it is: a new phase with its number of tasks, and how many of them are done."""

    phase: Callable[[str, int], None]
    finished: Callable[[int], None]


@dataclass(frozen=True)
class _Single:
    load: LoadResult
    stored: Stored


class Pipeline:
    """One measurement of one stack."""

    def __init__(self, target: Target, options: Options, watch: Watch) -> None:
        self._target = target
        self._options = options
        self._watch = watch
        self._mongo = connect(target.settings.mongo_url)
        self._database: Database = self._mongo[target.settings.mongo_database]
        self._sink = f"{target.simulator_url}/_sim/sink/{new_id(Prefix.DELIVERY)}"

    async def run(self) -> PipelineResult:
        """Raises `BenchError`; a result with failures is a result."""
        async with self._mongo:
            clock = DatabaseClock()
            await clock.read(self._mongo)
            plan = await self._plan(clock)
            async with provider_pace(self._target.simulator_url, self._options.provider_ms):
                single = await self._single(plan)
                self._watch.phase("throughput", plan.tasks)
                throughput = await measure(self._target, self._database, plan, self._watch.finished)
            stored = await stored_times(self._database, throughput.load)
            self._watch.phase("ledger verify", 0)
            await clock.read(self._mongo)
            report = await Verification(self._database, clock.now()).run()
            return await self._result(single, throughput, stored, report)

    async def _plan(self, clock: DatabaseClock) -> LoadPlan:
        options, settings = self._options, self._target.settings
        self._watch.phase("accounts", 0)
        customers = await make_customers(
            self._database, clock, settings, count=options.accounts + 1, tasks=options.tasks + 1000
        )
        return LoadPlan(
            api_url=self._target.api_url,
            mongo_url=settings.mongo_url,
            database=settings.mongo_database,
            hot=customers[0],
            others=customers[1:],
            tasks=options.tasks,
            concurrency=options.concurrency,
            poll_every=max(1, min(POLLED_ONE_IN, options.tasks // POLLED_AT_LEAST)),
            webhook_url=self._sink if options.webhooks else None,
            limit_seconds=LIMIT_SECONDS + LIMIT_SECONDS_PER_TASK * options.tasks,
        )

    async def _single(self, plan: LoadPlan) -> _Single:
        """One task at a time, after a few that fill caches and open connections."""
        self._watch.phase("warm-up", WARM_UP_TASKS)
        await measure(self._target, self._database, _one_at_a_time(plan, WARM_UP_TASKS), self._watch.finished)
        self._watch.phase("one at a time", SINGLE_TASKS)
        alone = _one_at_a_time(plan, SINGLE_TASKS)
        load = (await measure(self._target, self._database, alone, self._watch.finished)).load
        return _Single(load, await stored_times(self._database, load))

    async def _result(
        self, single: _Single, throughput: Measured, stored: Stored, report: Report
    ) -> PipelineResult:
        options, load = self._options, throughput.load
        overhead = [seen - options.provider_ms for seen in single.load.seen_ms]
        return PipelineResult(
            tasks=options.tasks,
            concurrency=options.concurrency,
            provider_ms=options.provider_ms,
            accounts=options.accounts,
            webhooks=options.webhooks,
            processes={role: len(urls) for role, urls in self._target.ops_urls.items()},
            seconds=round(load.seconds, 2),
            tasks_per_second=round(len(load.sent) / load.seconds, 1),
            submit_ms=quantiles(load.submit_ms),
            submit_to_completed_ms=quantiles(load.seen_ms),
            stored_submit_to_completed_ms=quantiles(stored.completed),
            overhead_ms_at_concurrency_1=quantiles(overhead),
            submit_ms_at_concurrency_1=quantiles(single.load.submit_ms),
            submit_to_completed_ms_at_concurrency_1=quantiles(single.load.seen_ms),
            reached_ms_at_concurrency_1=single.stored.medians(),
            cpu_ms_per_task=ms_per_task(throughput.cpu_before, throughput.cpu_after, options.tasks),
            other_cpu_percent=throughput.other_cpu_percent,
            messages_per_task=round(throughput.published / options.tasks, 3),
            mongo_operations_per_task=mongo_per_task(
                throughput.counts_before,
                throughput.counts_after,
                options.tasks,
                load.own_queries,
                load.own_documents,
            ),
            swept=throughput.swept,
            webhooks_delivered=throughput.webhooks_delivered,
            failed=single.load.failed + load.failed,
            problems=[*single.load.problems, *load.problems],
            verify="clean" if report.clean else "violated",
            violations=[f"{found.invariant} {found.subject}: {found.detail}" for found in report.violations],
            machine=await machine_facts(self._database, self._target),
        )


def _one_at_a_time(plan: LoadPlan, tasks: int) -> LoadPlan:
    return plan.model_copy(update={"tasks": tasks, "concurrency": 1, "poll_every": 1})
