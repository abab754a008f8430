"""One attempt from hand-over to stored files, while the worker holds the task's lease."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import timedelta
from enum import StrEnum

import structlog

from services.worker import moves
from services.worker.outputs import OutputStore, UnusableOutput
from services.worker.polling import next_poll_seconds
from shared.batching import Batcher
from shared.catalog.model import Catalog, PollSchedule
from shared.clock import Clock
from shared.files import StorageUnavailable
from shared.killpoints import KillPoints
from shared.mongo import is_unavailable
from shared.providers.base import Accepted, Done, Failed, GenerationRequest, MediaProvider, ProviderJob
from shared.providers.errors import ErrorClass
from shared.providers.registry import Adapters
from shared.tasks.lifecycle import State
from shared.tasks.model import OutputFile, Task
from shared.tasks.store import Move
from shared.telemetry import ATTEMPTS_FAILED, ORPHANS_SUSPECTED

log = structlog.get_logger()

LONGEST_BACKOFF_SECONDS = 10.0


class Phase(StrEnum):
    """What a run is doing; only polling can be broken off without a loss."""

    SUBMITTING = "submitting"
    POLLING = "polling"
    FINISHING = "finishing"


class LeaseLost(Exception):
    """Another service has moved the task: nothing more of this run counts."""


class Run:
    """One task in this worker's hands."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.phase = Phase.SUBMITTING if task.state is State.SUBMITTING else Phase.POLLING
        self.stop = asyncio.Event()
        self.left_behind = False
        """Whether the provider may still be working on a job that nobody will collect."""


class Runner:
    """Carries runs through. Every outcome is a guarded move; losing one ends the run."""

    def __init__(
        self,
        providers: Adapters,
        catalog: Catalog,
        outputs: OutputStore,
        writer: Batcher[Move, bool],
        clock: Clock,
        lease: timedelta,
        killpoints: KillPoints,
    ) -> None:
        self._providers = providers
        self._catalog = catalog
        self._outputs = outputs
        self._writer = writer
        self._clock = clock
        self._lease = lease
        self._killpoints = killpoints

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
        adapters = self._providers.get(run.task.attempt.provider, {})
        provider = next(iter(adapters.values()), None)
        if not isinstance(provider, MediaProvider):
            await self._fail(run, Failed(ErrorClass.CREDENTIAL, "The provider is not configured"))
            return
        outcome = await self._outcome(run, provider)
        if isinstance(outcome, Failed):
            await self._fail(run, moves.as_ours(outcome, run.task, self._clock.now()))
        elif outcome is not None:
            run.phase = Phase.FINISHING
            await self._finish(run, outcome)

    async def _outcome(self, run: Run, provider: MediaProvider) -> Done | Failed | None:
        """How the attempt ends; None when stopped while polling."""
        if run.phase is Phase.SUBMITTING:
            if self._clock.now() >= run.task.deadline_at:
                return self._too_late(run.task)
            self._killpoints.reach("worker.after_claim")
            answer = await provider.submit(request_of(run.task))
            self._killpoints.reach("worker.after_call")
            if not isinstance(answer, Accepted):
                return answer
            await self._write(run, moves.running(run.task, answer.job, self._clock.now(), self._lease))
            run.phase, job = Phase.POLLING, answer.job
        else:
            record = run.task.attempt.provider_job
            if record is None:
                return moves.interrupted()
            job = ProviderJob(record.ids, record.urls)
        return await self._poll(run, provider, job)

    async def _poll(self, run: Run, provider: MediaProvider, job: ProviderJob) -> Done | Failed | None:
        schedule = self._catalog.providers[provider.name].poll
        attempt = run.task.attempt
        submitted = attempt.submitted_at or self._clock.now()
        age = max((self._clock.now() - submitted).total_seconds(), 0.0)
        began = time.monotonic() - age
        last_note: str | None = None
        while True:
            if self._clock.now() >= attempt.soft_deadline_at:
                # The provider may finish it all the same: our cost, and nobody collects it.
                run.left_behind = True
                await provider.cancel(job)
                return self._too_late(run.task)
            answer = await provider.poll(job)
            self._killpoints.reach("worker.while_polling")
            if isinstance(answer, Done | Failed):
                return answer
            if answer.note is not None and answer.note != last_note:
                last_note = answer.note
                log.warning("poll told nothing", task_id=run.task.id, note=answer.note)
            if await _stopped(run.stop, self._pause(schedule, time.monotonic() - began)):
                return None

    def _pause(self, schedule: PollSchedule, age_seconds: float) -> float:
        return next_poll_seconds(schedule, age_seconds, random.uniform(-1, 1))

    def _too_late(self, task: Task) -> Failed:
        if self._clock.now() >= task.deadline_at:
            return Failed(ErrorClass.DEADLINE, "The task's deadline passed")
        return Failed(ErrorClass.TRANSIENT, "The provider took too long")

    async def _finish(self, run: Run, done: Done) -> None:
        try:
            outputs = await self._keep(run.task, done)
        except UnusableOutput:
            await self._fail(run, Failed(ErrorClass.TRANSIENT, "The provider delivered no usable image"))
            return
        if outputs is None:
            await self._fail(run, self._too_late(run.task))
            return
        await self._write(run, moves.generated(run.task, outputs, done.cost_nano, self._clock.now()))

    async def _keep(self, task: Task, done: Done) -> list[OutputFile] | None:
        """The stored files; None when the storage stayed away until the deadline."""
        tries = 0
        try:
            async with asyncio.timeout((task.deadline_at - self._clock.now()).total_seconds()):
                while True:
                    try:
                        return await self._outputs.keep(task, done)
                    except StorageUnavailable as error:
                        tries += 1
                        reason = repr(error.__cause__)[:200]
                        log.warning("storage away", task_id=task.id, tried=tries, reason=reason)
                    await asyncio.sleep(min(0.5 * 2.0 ** min(tries, 6), LONGEST_BACKOFF_SECONDS))
        except TimeoutError:
            return None

    async def _fail(self, run: Run, failure: Failed) -> None:
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
        left_behind = run.left_behind or failure.error_class is ErrorClass.SUBMIT_AMBIGUOUS
        if left_behind:
            ORPHANS_SUSPECTED.labels(attempt.provider).inc()
        await self._write(run, moves.failed(run.task, failure, self._clock.now(), orphan_suspect=left_behind))

    async def _write(self, run: Run, move: Move) -> None:
        """Make the move, however long the database is away. Raises LeaseLost when it does not match."""
        tries = 0
        while True:
            try:
                made = await self._writer.submit(move)
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


def request_of(task: Task) -> GenerationRequest:
    """What the provider is asked for the current attempt."""
    request, attempt = task.request, task.attempt
    return GenerationRequest(
        upstream_model=attempt.upstream_model,
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        aspect_ratio=request.aspect_ratio,
        num_outputs=request.num_outputs,
        resolution=request.resolution,
        image_urls=request.image_urls,
        options=attempt.options,
    )


async def _stopped(stop: asyncio.Event, seconds: float) -> bool:
    """Sleep; True at once when told to stop."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True
