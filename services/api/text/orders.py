"""Money and record of text calls: held before, taken after, given back when nothing came.

The api plays router and worker itself here. Prompts are not stored. Answers are stored for a client that
sends an Idempotency-Key, for as long as that key lasts, and for dialects whose tasks can be read again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import structlog

from services.api.claims import MOST_KEPT_BYTES, Answer
from services.api.submit import KEY_LIFETIME, Submission, Submissions
from shared.batching import Batcher
from shared.catalog.model import Catalog
from shared.clock import Clock
from shared.killpoints import KillPoints
from shared.mongo import is_unavailable
from shared.provider_costs import with_stated_cost
from shared.tasks.lifecycle import State
from shared.tasks.model import Attempt, Task, TaskFailure, Tokens
from shared.tasks.mover import Mover
from shared.tasks.store import Move
from shared.waiting import cancel

log = structlog.get_logger()

BILLING_WAKE: Final = timedelta(seconds=5)
RETRY_SECONDS: Final = 1.0
CLOSE_SECONDS: Final = 5.0


class TextOrders:
    """Opens and closes the tasks of text calls. Closing goes on in the background: no client waits for it."""

    def __init__(
        self,
        submissions: Submissions,
        as_worker: Mover,
        as_router: Mover,
        clock: Clock,
        killpoints: KillPoints,
        catalog: Catalog,
    ) -> None:
        self._submissions = submissions
        self._catalog = catalog
        self._clock = clock
        self._killpoints = killpoints
        self._generated: Batcher[Move, bool] = Batcher("api.generated", as_worker.move)
        self._rejected: Batcher[Move, bool] = Batcher("api.rejected", as_router.move)
        self._closing: set[asyncio.Task[None]] = set()

    async def open(self, submission: Submission) -> Task:
        """The running task, its money held. Raises InsufficientBalance and ServiceUnavailable."""
        task = await self._submissions.submit(submission)
        self._killpoints.reach("api.text_after_hold")
        return task

    def answered(
        self,
        task: Task,
        attempts: Sequence[Attempt],
        tokens: Tokens | None,
        answer: Answer | None = None,
        result: bytes | None = None,
    ) -> None:
        """The client has its answer, or the part of it that it waited for: charge.

        A whole `answer` is kept for a task with an Idempotency-Key, unless it is too long. A `result` is kept
        with the task, likewise.
        """
        self._killpoints.reach("api.text_before_generated")
        priced = with_stated_cost(self._catalog, task, attempts, tokens)
        fields: dict[str, Any] = {"attempts": _stored(priced), "outputs": []}
        if tokens is not None:
            fields["tokens"] = tokens.model_dump()
        if result is not None and len(result) <= MOST_KEPT_BYTES:
            fields["result"] = result
        if task.idempotency is not None:
            fields["idempotency.expires_at"] = self._clock.now() + KEY_LIFETIME
            if answer is not None and len(answer.body) <= MOST_KEPT_BYTES:
                fields["idempotency.answer"] = answer.to_document()
        self._close(self._generated, Move(task, State.GENERATED, BILLING_WAKE, set=fields))

    def failed(self, task: Task, attempts: Sequence[Attempt], failure: TaskFailure) -> None:
        """The client has got nothing: give the hold back."""
        fields = {"attempts": _stored(attempts), "failure": failure.model_dump()}
        self._close(self._rejected, Move(task, State.REJECTED, BILLING_WAKE, set=fields))

    async def close(self) -> None:
        """Finish what is being closed."""
        if self._closing:
            await asyncio.wait(self._closing, timeout=CLOSE_SECONDS)
            await cancel(*self._closing)
        await self._generated.close()
        await self._rejected.close()

    def _close(self, batcher: Batcher[Move, bool], move: Move) -> None:
        closing = asyncio.create_task(self._write(batcher, move), name=f"close:{move.task.id}")
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _write(self, batcher: Batcher[Move, bool], move: Move) -> None:
        """Until it is written, or too late: then the router has given the task up and its hold back."""
        while True:
            try:
                if not await batcher.submit(move):
                    log.warning("text task ended elsewhere", task_id=move.task.id, wanted=move.to)
                return
            except Exception as error:
                if not is_unavailable(error):
                    log.exception("text task not closed", task_id=move.task.id)
                    return
                log.warning("text task not closed yet", task_id=move.task.id, reason=type(error).__name__)
            if self._clock.now() >= move.task.deadline_at:
                return
            await asyncio.sleep(RETRY_SECONDS)


def _stored(attempts: Sequence[Attempt]) -> list[dict[str, Any]]:
    return [attempt.model_dump(exclude_none=True, exclude_defaults=True) for attempt in attempts]
