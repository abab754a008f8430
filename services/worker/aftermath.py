"""What becomes of provider jobs that were given up: a late result is our cost, and is never delivered."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from shared.mongo import Database, is_unavailable
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

    def watch(self, task: Task, provider: MediaProvider, job: ProviderJob) -> None:
        """Find out what becomes of the job of the task's current attempt."""
        if len(self._watching) >= MOST_WATCHED:
            return
        watching = asyncio.create_task(self._watch(task, provider, job), name=f"aftermath:{task.id}")
        self._watching.add(watching)
        watching.add_done_callback(self._watching.discard)

    async def close(self) -> None:
        """Look no more."""
        await cancel(*self._watching)

    async def _watch(self, task: Task, provider: MediaProvider, job: ProviderJob) -> None:
        for seconds in self._look_seconds:
            await asyncio.sleep(seconds)
            answer = await provider.poll(job)
            if not isinstance(answer, Running):
                await self._record(task, answer)
                return

    async def _record(self, task: Task, answer: Done | Failed) -> None:
        attempt = task.attempt
        fields: dict[str, str | int] = {f"{task.attempt_path}.late": _word(answer)}
        if isinstance(answer, Done):
            LATE_RESULTS.labels(attempt.provider).inc()
            if answer.cost_nano is not None:
                fields[f"{task.attempt_path}.late_cost_nano"] = answer.cost_nano
            log.warning(
                "late result discarded",
                task_id=task.id,
                route=attempt.route,
                attempt=attempt.number,
                cost_nano=answer.cost_nano,
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
