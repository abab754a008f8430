"""`hatchery bench stalled`: one provider hangs; do the tasks of the others take as long as before?"""

from __future__ import annotations

import time
from dataclasses import dataclass

import aiohttp

from deploy.bench.customers import make_customers
from deploy.bench.hanging import Counts, Hanging
from deploy.bench.healthy import phase_plans, run_phase
from deploy.bench.machine import machine_facts
from deploy.bench.messages import Customer, LoadResult
from deploy.bench.pipeline import PROVIDER_MS, WARM_UP_TASKS, Watch
from deploy.bench.simulated import LIMIT
from deploy.bench.stalled_catalog import RULES, STALLED
from deploy.bench.stalled_result import PhaseResult, StalledResult, ratio
from deploy.bench.target import Target
from shared.clock import DatabaseClock
from shared.ledger.proof.report import Report
from shared.ledger.verify import Verification
from shared.mongo import Database, connect
from shared.tasks.lifecycle import State


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure."""

    tasks: int = 200
    stalled: int = 600
    concurrency: int = 8


@dataclass(frozen=True)
class _Hung:
    """The stalled tasks when they had come to rest, after the phase beside them, and after their end."""

    first: Counts
    last: Counts
    ended: Counts
    cancel_seconds: float

    def problems(self) -> list[str]:
        """What makes the comparison worthless, or a job of the provider one too many."""
        found = []
        if self.last != self.first:
            found.append(f"The stalled tasks did not stay as they were: {self.first}, then {self.last}")
        if self.ended.states.keys() != {State.CANCELLED} or self.ended.provider_jobs:
            found.append(f"The stalled tasks were not all cancelled, here and there: {self.ended}")
        return found


class Stalled:
    """One measurement of a stack that sells the catalog of `deploy.bench.stalled_catalog`."""

    def __init__(self, target: Target, options: Options, watch: Watch) -> None:
        self._target = target
        self._options = options
        self._watch = watch
        self._mongo = connect(target.settings.mongo_url)
        self._database: Database = self._mongo[target.settings.mongo_database]
        self._loads: list[LoadResult] = []

    async def run(self) -> StalledResult:
        """Raises `BenchError`; a result with failures is a result."""
        options = self._options
        async with self._mongo:
            clock = DatabaseClock()
            await clock.read(self._mongo)
            *customers, stuck = await self._customers(clock)
            await self._set_rules()
            hanging = Hanging(self._target, self._database, stuck, model=STALLED, provider=STALLED)
            await self._healthy("warm-up", customers, WARM_UP_TASKS)
            before = await self._healthy("before", customers, options.tasks)
            first = await self._hang(hanging)
            during = await self._healthy("meanwhile", customers, options.tasks)
            hung = await self._end(hanging, first)
            self._watch.phase("ledger verify", 0)
            await clock.read(self._mongo)
            report = await Verification(self._database, clock.now()).run()
            return await self._result(before, during, hung, report)

    async def _customers(self, clock: DatabaseClock) -> list[Customer]:
        """Two for the healthy providers, and a third, so that nobody shares a ledger with what hangs."""
        self._watch.phase("accounts", 0)
        tasks = 2 * self._options.tasks + WARM_UP_TASKS + self._options.stalled
        return await make_customers(self._database, clock, self._target.settings, count=3, tasks=tasks)

    async def _set_rules(self) -> None:
        url = f"{self._target.simulator_url}/_sim/rules"
        async with (
            aiohttp.ClientSession(timeout=LIMIT, raise_for_status=True) as session,
            session.put(url, json=RULES),
        ):
            pass

    async def _healthy(self, name: str, customers: list[Customer], tasks: int) -> PhaseResult:
        self._watch.phase(name, tasks)
        plans = phase_plans(self._target, customers, tasks=tasks, concurrency=self._options.concurrency)
        result, loads = await run_phase(self._target, plans, self._watch.finished)
        self._loads += loads
        return result

    async def _hang(self, hanging: Hanging) -> Counts:
        self._watch.phase(f"submit to {STALLED}", self._options.stalled)
        await hanging.submit(self._options.stalled, self._watch.finished)
        self._watch.phase(f"stalled at {STALLED}", self._options.stalled)
        return await hanging.settled(self._watch.finished)

    async def _end(self, hanging: Hanging, first: Counts) -> _Hung:
        last = await hanging.counts()
        self._watch.phase("cancel", self._options.stalled)
        began = time.monotonic()
        ended = await hanging.cancel(self._watch.finished)
        return _Hung(first, last, ended, time.monotonic() - began)

    async def _result(
        self, before: PhaseResult, during: PhaseResult, hung: _Hung, report: Report
    ) -> StalledResult:
        return StalledResult(
            tasks=self._options.tasks,
            concurrency=self._options.concurrency,
            stalled=self._options.stalled,
            provider_ms=PROVIDER_MS,
            processes={role: len(urls) for role, urls in self._target.ops_urls.items()},
            before=before,
            during=during,
            ratio=ratio(before.submit_to_completed_ms, during.submit_to_completed_ms),
            at_provider=hung.last.at_provider,
            waiting=hung.last.waiting,
            provider_jobs=hung.last.provider_jobs,
            cancel_seconds=round(hung.cancel_seconds, 2),
            failed=sum(load.failed for load in self._loads),
            problems=[problem for load in self._loads for problem in load.problems] + hung.problems(),
            verify="clean" if report.clean else "violated",
            violations=[f"{found.invariant} {found.subject}: {found.detail}" for found in report.violations],
            machine=await machine_facts(self._database, self._target),
        )
