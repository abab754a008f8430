"""What a worker does with tasks: claim dispatched ones, take over abandoned ones, keep its leases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog

from services.worker import moves
from services.worker.capacity import WorkerCapacity
from services.worker.run import Phase, Run
from services.worker.runner import Runner
from shared.bus.publisher import Publisher
from shared.clock import Clock
from shared.keyring import KeyRing
from shared.mongo import is_unavailable
from shared.providers.base import MediaProvider
from shared.route_health import RouteHealth
from shared.tasks.intake import Routes
from shared.tasks.lifecycle import State
from shared.tasks.model import Task, announcement
from shared.tasks.service import TaskTools
from shared.tasks.store import Move
from shared.telemetry import ORPHANS_SUSPECTED, TASKS_RUNNING
from shared.waiting import cancel

log = structlog.get_logger()

DRAIN_SECONDS = 20.0


class WorkerHandlers:
    """The runs of this worker. A run exists only while the worker holds its task's lease."""

    def __init__(
        self,
        tools: TaskTools,
        runner: Runner,
        keys: KeyRing[MediaProvider],
        health: RouteHealth,
        capacity: WorkerCapacity,
        publisher: Publisher,
        clock: Clock,
        owner: str,
        lease: timedelta,
    ) -> None:
        self._tools = tools
        self._runner = runner
        self._keys = keys
        self._health = health
        self._capacity = capacity
        self._publisher = publisher
        self._clock = clock
        self._owner = owner
        self._lease = lease
        self._runs: dict[str, tuple[Run, asyncio.Task[None]]] = {}

    def routes(self) -> Routes:
        return {
            State.DISPATCHED: self.claim,
            State.SUBMITTING: self.give_up_interrupted,
            State.RUNNING: self.take_over,
        }

    async def claim(self, tasks: Sequence[Task]) -> None:
        """Start the attempts; those that do not fit stay dispatched for others."""
        unwanted = [task for task in tasks if task.cancel_requested_at is not None]
        now = self._clock.now()
        await self._tools.mover.move([moves.failed(task, moves.cancelled(), now) for task in unwanted])
        # What an earlier attempt has shown of its key is known by the time it has ended.
        ends = [attempt.ended_at for task in tasks for attempt in task.attempts if attempt.ended_at]
        health = await self._health.snapshot(at_least=max(ends, default=None))

        def claimed(task: Task) -> Move:
            attempt = task.attempt
            key = self._keys.choose(attempt.provider, attempt.route, health, now)
            return moves.claim(task, self._owner, key, self._lease, now)

        await self._begin([task for task in tasks if task.cancel_requested_at is None], claimed)

    async def take_over(self, tasks: Sequence[Task]) -> None:
        """Go on with jobs whose lease has run out."""
        abandoned = [task for task in tasks if self._abandoned(task)]
        await self._begin(abandoned, lambda task: moves.take_over(task, self._owner, self._lease))

    async def give_up_interrupted(self, tasks: Sequence[Task]) -> None:
        """A worker died while handing over: whether the provider took the job is not known."""
        abandoned = [task for task in tasks if self._abandoned(task)]
        now = self._clock.now()
        made = await self._tools.mover.move(
            [moves.failed(task, moves.interrupted(), now, left_behind=1) for task in abandoned]
        )
        for task, happened in zip(abandoned, made, strict=True):
            if happened:
                log.warning("hand-over interrupted", task_id=task.id, route=task.attempt.route)
                ORPHANS_SUSPECTED.labels(task.attempt.provider).inc()

    def cancel_requested(self, task_ids: Sequence[str]) -> None:
        """Clients want no more of these tasks; those in other hands are somebody else's matter."""
        for task_id in task_ids:
            if task_id in self._runs:
                self._runs[task_id][0].cancel()

    def hinted(self, task_ids: Sequence[str]) -> None:
        """Providers say that the jobs of these tasks are over."""
        for task_id in task_ids:
            if task_id in self._runs:
                self._runs[task_id][0].hint()

    def _abandoned(self, task: Task) -> bool:
        """Whether the task's lease had run out when it was read."""
        expired = task.wake_at is None or task.wake_at <= self._clock.now()
        return expired and task.id not in self._runs

    async def _begin(self, tasks: Sequence[Task], make_move: Callable[[Task], Move]) -> None:
        wanted = [make_move(task) for task in self._fitting(tasks)]
        # Places are taken before the moves: meanwhile they may not be given to other workers.
        untaken = [move.task.attempt.provider for move in wanted]
        for provider in untaken:
            self._capacity.take(provider)
        try:
            made = await self._tools.mover.move(wanted)
            for move, happened in zip(wanted, made, strict=True):
                if happened:
                    self._start(move)
                    untaken.remove(move.task.attempt.provider)
        finally:
            for provider in untaken:
                self._capacity.give(provider)

    def _fitting(self, tasks: Sequence[Task]) -> list[Task]:
        """As many of each provider's tasks as there are places."""
        fitting: list[Task] = []
        left: dict[str, int] = {}
        for task in tasks:
            provider = task.attempt.provider
            places = left.setdefault(provider, self._capacity.left(provider))
            if places > 0:
                left[provider] = places - 1
                fitting.append(task)
        return fitting

    def _start(self, move: Move) -> None:
        task = moves.as_moved(move)
        run = Run(task)
        carrying = asyncio.create_task(self._runner.carry(run), name=f"run:{task.id}")
        self._runs[task.id] = (run, carrying)
        carrying.add_done_callback(lambda done: self._end(task, done))
        TASKS_RUNNING.set(len(self._runs))

    def _end(self, task: Task, done: asyncio.Task[None]) -> None:
        self._runs.pop(task.id, None)
        self._capacity.give(task.attempt.provider)
        TASKS_RUNNING.set(len(self._runs))
        if not done.cancelled() and (error := done.exception()) is not None:
            log.error("run broke; its lease will expire", task_id=task.id, exc_info=error)

    async def keep_leases(self) -> None:
        """Renew in bulk until cancelled; drop the runs whose lease went to somebody else."""
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            ids = list(self._runs)
            if not ids:
                continue
            try:
                await self._tools.store.renew(ids, self._owner, self._lease)
                held = await self._tools.store.still_owned(ids, self._owner)
            except Exception as error:
                if not is_unavailable(error):
                    raise
                log.warning("leases not renewed", count=len(ids), reason=type(error).__name__)
                continue
            # The event that told of a cancellation may be lost.
            self.cancel_requested([task_id for task_id, cancelled in held.items() if cancelled])
            lost = [
                self._runs[task_id][1] for task_id in ids if task_id not in held and task_id in self._runs
            ]
            await cancel(*lost)

    async def drain(self) -> None:
        """Stop polling, finish hand-overs and downloads, then give back what still runs at a provider."""
        self._capacity.close()
        for run, _ in self._runs.values():
            run.stop()
        runs = dict(self._runs)
        if runs:
            await asyncio.wait([carrying for _, carrying in runs.values()], timeout=DRAIN_SECONDS)
        await cancel(*(carrying for _, carrying in self._runs.values()))
        polling = [run.task for run, _ in runs.values() if run.phase is Phase.POLLING]
        if polling:
            await self._tools.store.give_back([task.id for task in polling], self._owner)
            await self._publisher.publish(
                [
                    event
                    for task in polling
                    if (event := announcement(task.id, State.DISPATCHED, task.attempt.provider))
                ]
            )
            log.info("tasks given back", count=len(polling))
