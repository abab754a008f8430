"""One attempt from hand-over to stored files, while the worker holds the task's lease."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from services.worker import moves
from services.worker.aftermath import Aftermath
from services.worker.downloads import UnusableOutput
from services.worker.durations import Durations
from services.worker.handover import hand_over
from services.worker.outputs import OutputStore
from services.worker.polling import next_poll_seconds
from services.worker.requests import Requests
from services.worker.run import LeaseLost, Phase, Run
from shared.batching import Batcher
from shared.catalog.costs import RouteCost
from shared.catalog.model import Catalog
from shared.clock import Clock
from shared.files import StorageUnavailable
from shared.keyring import KeyRing
from shared.killpoints import KillPoints
from shared.mongo import is_unavailable
from shared.provider_costs import ProviderCost, Work, cost_of, route_cost
from shared.providers.base import Accepted, Done, Failed, MediaProvider, ProviderJob, Running
from shared.providers.errors import ErrorClass
from shared.route_health import RouteHealth
from shared.tasks.model import OutputFile, Task
from shared.tasks.store import Move
from shared.telemetry import ATTEMPTS_FAILED, ORPHANS_SUSPECTED

log = structlog.get_logger()

LONGEST_BACKOFF_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class RunnerParts:
    """What a runner is made of."""

    keys: KeyRing[MediaProvider]
    requests: Requests
    outputs: OutputStore
    health: RouteHealth
    aftermath: Aftermath
    catalog: Catalog
    writer: Batcher[Move, bool]
    clock: Clock
    killpoints: KillPoints
    lease: timedelta


class Runner:
    """Carries runs through. Every outcome is a guarded move; losing one ends the run."""

    def __init__(self, parts: RunnerParts) -> None:
        self._parts = parts
        self._clock = parts.clock
        self._killpoints = parts.killpoints
        self._durations = Durations()

    async def carry(self, run: Run) -> None:
        """Work until the attempt has ended, the lease is lost, or `run.stop` breaks off the polling."""
        try:
            await self._carry(run)
        except LeaseLost:
            log.warning("lease lost", task_id=run.task.id)
        except Exception as error:
            if is_unavailable(error):
                raise
            log.exception("attempt broke", task_id=run.task.id)
            await self._fail(run, Failed(ErrorClass.UNKNOWN, "The attempt failed inside the gateway"))

    async def _carry(self, run: Run) -> None:
        attempt = run.task.attempt
        provider = self._parts.keys.adapter(attempt.provider, attempt.key_id)
        if provider is None:
            reason = Failed(ErrorClass.PROVIDER_NOT_CONFIGURED, "The provider has no key")
            await self._fail(run, reason)
            return
        outcome = await self._outcome(run, provider)
        if isinstance(outcome, Failed):
            await self._fail(run, moves.as_ours(outcome, run.task, run.cancelled, self._clock.now()))
        elif outcome is not None:
            run.phase = Phase.FINISHING
            run.left_behind += outcome.unaccounted
            await self._finish(run, outcome)

    async def _outcome(self, run: Run, provider: MediaProvider) -> Done | Failed | None:
        """How the attempt ends; None when stopped while polling."""
        if run.phase is Phase.SUBMITTING:
            if self._clock.now() >= run.task.deadline_at:
                return self._too_late(run.task)
            self._killpoints.reach("worker.after_claim")
            answer = await hand_over(run, provider, self._parts.requests.of(run.task, self._clock.now()))
            self._killpoints.reach("worker.after_call")
            if not isinstance(answer, Accepted):
                return answer
            run.left_behind += answer.unaccounted
            await self._write(run, moves.running(run.task, answer.job, self._clock.now(), self._parts.lease))
            run.phase, job = Phase.POLLING, answer.job
        else:
            record = run.task.attempt.provider_job
            if record is None:
                return moves.interrupted()
            job = ProviderJob(record.ids, record.urls)
        return await self._poll(run, provider, job)

    async def _poll(self, run: Run, provider: MediaProvider, job: ProviderJob) -> Done | Failed | None:
        attempt = run.task.attempt
        submitted = attempt.submitted_at or self._clock.now()
        last = Running()
        last_note: str | None = None
        usual = self._durations.usual(attempt.route)
        if usual is not None and usual > self._parts.catalog.providers[attempt.provider].poll.first_seconds:
            await self._pause(run, self._age(submitted), usual)
        while True:
            if run.stopping:
                return None
            if run.cancelled or self._clock.now() >= attempt.soft_deadline_at:
                return await self._break_off(run, provider, job, last)
            answer = await provider.poll(job)
            self._killpoints.reach("worker.while_polling")
            if not isinstance(answer, Failed | Done):
                last = answer
                if answer.note is not None and answer.note != last_note:
                    last_note = answer.note
                    log.warning("poll told nothing", task_id=run.task.id, note=answer.note)
                await self._pause(run, self._age(submitted), usual)
                continue
            if isinstance(answer, Done):
                self._durations.learn(attempt.route, self._age(submitted))
            return answer

    async def _break_off(
        self, run: Run, provider: MediaProvider, job: ProviderJob, last: Running
    ) -> Done | Failed:
        """Stop a job in the middle: on the client's word, or because it takes too long."""
        await provider.cancel(job)
        if run.cancelled:
            self._parts.aftermath.watch(run.task, provider, job, self._stated(run.task))
            run.left_behind += len(job.ids)
            return moves.cancelled()
        if last.ready:
            run.left_behind += len(job.ids) - len(last.ready)
            return Done(last.ready, last.ready_cost_nano, metered=last.ready_metered)
        # The provider may finish it all the same: our cost, and nobody collects it.
        self._parts.aftermath.watch(run.task, provider, job, self._stated(run.task))
        run.left_behind += len(job.ids)
        return self._too_late(run.task)

    async def _pause(self, run: Run, age_seconds: float, usual: float | None) -> None:
        schedule = self._parts.catalog.providers[run.task.attempt.provider].poll
        seconds = next_poll_seconds(schedule, age_seconds, usual, random.uniform(-1, 1))
        left = (run.task.attempt.soft_deadline_at - self._clock.now()).total_seconds()
        await run.pause(max(min(seconds, left), 0.001))

    def _age(self, submitted: datetime) -> float:
        return max((self._clock.now() - submitted).total_seconds(), 0.0)

    def _too_late(self, task: Task) -> Failed:
        if self._clock.now() >= task.deadline_at:
            return Failed(ErrorClass.DEADLINE, "The task's deadline passed")
        return Failed(ErrorClass.TRANSIENT, "The provider took too long")

    async def _finish(self, run: Run, done: Done) -> None:
        try:
            outputs = await self._keep(run.task, done)
        except UnusableOutput:
            unusable = Failed(ErrorClass.TRANSIENT, "The provider delivered no usable output")
            await self._fail(run, unusable, done)
            return
        if outputs is None:
            await self._fail(run, self._too_late(run.task), done)
            return
        if run.left_behind:
            ORPHANS_SUSPECTED.labels(run.task.attempt.provider).inc(run.left_behind)
        move = moves.generated(run.task, outputs, self._cost(run, done), self._clock.now(), run.left_behind)
        await self._write(run, move)
        await self._note_health(run, None)

    async def _keep(self, task: Task, done: Done) -> list[OutputFile] | None:
        """The stored files; None when the storage stayed away until the deadline."""
        tries = 0
        try:
            async with asyncio.timeout((task.deadline_at - self._clock.now()).total_seconds()):
                while True:
                    try:
                        return await self._parts.outputs.keep(task, done.outputs)
                    except StorageUnavailable as error:
                        tries += 1
                        reason = repr(error.__cause__)[:200]
                        log.warning("storage away", task_id=task.id, tried=tries, reason=reason)
                    await asyncio.sleep(min(0.5 * 2.0 ** min(tries, 6), LONGEST_BACKOFF_SECONDS))
        except TimeoutError:
            return None

    async def _fail(self, run: Run, failure: Failed, charged: Done | None = None) -> None:
        """`charged` is what the provider made all the same."""
        attempt = run.task.attempt
        log.info(
            "attempt failed",
            task_id=run.task.id,
            request_id=run.task.request_id,
            route=attempt.route,
            error_class=failure.error_class,
            reason=failure.message,
        )
        ATTEMPTS_FAILED.labels(attempt.provider, failure.error_class).inc()
        if failure.error_class is ErrorClass.SUBMIT_AMBIGUOUS:
            run.left_behind = max(run.left_behind, 1)
        if run.left_behind:
            ORPHANS_SUSPECTED.labels(attempt.provider).inc(run.left_behind)
        # Before the move: whoever decides on the next attempt is to know.
        await self._note_health(run, failure)
        cost = self._cost(run, charged or failure)
        await self._write(run, moves.failed(run.task, failure, self._clock.now(), run.left_behind, cost))

    def _cost(self, run: Run, answer: Done | Failed) -> ProviderCost | None:
        outputs = len(answer.outputs) if isinstance(answer, Done) else 0
        work = Work(taken=run.phase is not Phase.SUBMITTING, outputs=outputs, metered=answer.metered)
        return cost_of(answer.cost_nano, self._stated(run.task), run.task.request, work)

    def _stated(self, task: Task) -> RouteCost | None:
        return route_cost(self._parts.catalog, task.model, task.attempt.route)

    async def _note_health(self, run: Run, failure: Failed | None) -> None:
        try:
            if failure is None:
                await self._parts.health.works(run.task.attempt.route)
            else:
                await self._parts.health.failed(run.task.id, run.task.attempt, failure)
        except Exception as error:
            if not is_unavailable(error):
                raise
            log.warning("health not noted", task_id=run.task.id, reason=type(error).__name__)

    async def _write(self, run: Run, move: Move) -> None:
        """Make the move, however long the database is away. Raises LeaseLost when it does not match."""
        tries = 0
        while True:
            try:
                made = await self._parts.writer.submit(move)
                break
            except Exception as error:
                if not is_unavailable(error):
                    raise
                tries += 1
                log.warning("outcome not recorded yet", task_id=run.task.id, tried=tries)
            await asyncio.sleep(min(0.2 * 2.0 ** min(tries, 6), LONGEST_BACKOFF_SECONDS))
        if not made:
            raise LeaseLost
        run.task = run.task.model_copy(
            update={
                "state": move.to,
                "version": run.task.version + 1,
                "started_at": move.set.get("started_at", run.task.started_at),
            }
        )
