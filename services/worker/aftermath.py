"""What becomes of provider jobs that were given up: a late result is our cost, and is never delivered."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from shared.catalog.costs import RouteCost
from shared.mongo import Database, is_unavailable
from shared.provider_costs import Work, cost_of
from shared.providers.base import Done, Failed, MediaProvider, ProviderJob, Running
from shared.providers.errors import ErrorClass
from shared.tasks.model import Task
from shared.telemetry import LATE_RESULTS
from shared.waiting import cancel

log = structlog.get_logger()

LOOK_SECONDS: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0, 120.0, 240.0, 480.0)
"""Pauses between looks at a job that was given up; after the last it is left as unknown."""
MOST_WATCHED: Final = 200


class Aftermath:
    """Looks after such jobs as long as this process lives. What it misses stays a suspected orphan."""

    def __init__(self, database: Database, look_seconds: tuple[float, ...] = LOOK_SECONDS) -> None:
        self._tasks = database["tasks"]
        self._look_seconds = look_seconds
        self._watching: set[asyncio.Task[None]] = set()

    def watch(
        self, task: Task, provider: MediaProvider, job: ProviderJob, stated: RouteCost | None = None
    ) -> None:
        """Find out what becomes of the job of the task's current attempt; `stated` is its route's cost."""
        if len(self._watching) >= MOST_WATCHED:
            return
        watching = asyncio.create_task(self._watch(task, provider, job, stated), name=f"aftermath:{task.id}")
        self._watching.add(watching)
        watching.add_done_callback(self._watching.discard)

    async def close(self) -> None:
        """Look no more."""
        await cancel(*self._watching)

    async def _watch(
        self, task: Task, provider: MediaProvider, job: ProviderJob, stated: RouteCost | None
    ) -> None:
        for seconds in self._look_seconds:
            await asyncio.sleep(seconds)
            answer = await provider.poll(job)
            if not isinstance(answer, Running):
                await self._record(task, answer, stated)
                return

    async def _record(self, task: Task, answer: Done | Failed, stated: RouteCost | None) -> None:
        attempt, path = task.attempt, task.attempt_path
        fields: dict[str, str | int] = {f"{path}.late": _word(answer)}
        # That the provider took it on stands in the attempt's own cost already.
        outputs = len(answer.outputs) if isinstance(answer, Done) else 0
        work = Work(outputs=outputs, metered=answer.metered)
        cost = cost_of(answer.cost_nano, stated, task.request, work)
        if cost is not None:
            fields |= {f"{path}.late_cost_nano": cost.nano, f"{path}.late_cost_source": cost.source}
        if isinstance(answer, Done):
            LATE_RESULTS.labels(attempt.provider).inc()
            log.warning(
                "late result discarded",
                task_id=task.id,
                route=attempt.route,
                attempt=attempt.number,
                cost_nano=cost.nano if cost is not None else None,
            )
        try:
            await self._tasks.update_one({"_id": task.id}, {"$set": fields})
        except Exception as error:
            if not is_unavailable(error):
                raise
            log.warning("late result not recorded", task_id=task.id, reason=type(error).__name__)


def _word(answer: Done | Failed) -> str:
    if isinstance(answer, Done):
        return "finished"
    return "cancelled" if answer.error_class is ErrorClass.CANCELLED else "failed"
