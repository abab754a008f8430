"""Accepting tasks in groups: one ledger block per account, one insert of tasks, then the events."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from services.api.errors import ServiceUnavailable
from shared.accounts.key import KeyOwner
from shared.batching import Batcher
from shared.bus.events import Event, EventType
from shared.bus.publisher import Publisher
from shared.clock import Clock
from shared.killpoints import KillPoints
from shared.ledger.block import Entry, hold
from shared.ledger.chain import Applied, Ledger
from shared.mongo import Document
from shared.tasks.lifecycle import State
from shared.tasks.model import Mode, Quote, Task, TaskRequest
from shared.tasks.store import TaskStore
from shared.telemetry import TASKS_SUBMITTED
from shared.waiting import cancel

log = structlog.get_logger()

ROUTER_WAKE = timedelta(seconds=5)
"""A new task that no router has taken up by then is found by its sweeper."""
MOST_ANNOUNCEMENTS = 256
"""Groups whose events are on their way to the broker; beyond that the sweeper does it."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A checked request of a known client."""

    task_id: str
    owner: KeyOwner
    dialect: str
    kind: str
    model: str
    request: TaskRequest
    quote: Quote
    deadline: timedelta
    callback_url: str | None
    request_id: str
    mode: Mode = "async"
    public_model: str | None = None
    dialect_fields: Mapping[str, Any] = field(default_factory=dict)


class Submissions:
    """Turns submissions into tasks that are never lost: held and stored before the client hears of them."""

    def __init__(
        self,
        store: TaskStore,
        ledger: Ledger,
        publisher: Publisher,
        clock: Clock,
        killpoints: KillPoints,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._publisher = publisher
        self._clock = clock
        self._killpoints = killpoints
        self._batcher: Batcher[Submission, Task] = Batcher("api.submissions", self._commit)
        self._announcing: set[asyncio.Task[None]] = set()

    async def submit(self, submission: Submission) -> Task:
        """The accepted task. Raises InsufficientBalance, and ServiceUnavailable when it was cut off."""
        task = await self._batcher.submit(submission)
        TASKS_SUBMITTED.labels(task.model).inc()
        return task

    async def close(self) -> None:
        """Finish the groups on their way."""
        await self._batcher.close()
        if self._announcing:
            await asyncio.wait(self._announcing, timeout=5)
            await cancel(*self._announcing)

    async def _commit(self, group: Sequence[Submission]) -> list[Task | BaseException]:
        holds: defaultdict[str, list[Entry]] = defaultdict(list)
        for one in group:
            holds[one.owner.account_id].append(hold(one.task_id, one.quote.hold_nano, one.model))
        self._killpoints.reach("api.before_block")
        outcomes = await self._ledger.append(holds)
        self._killpoints.reach("api.between_block_and_tasks")
        now = self._clock.now()
        results: list[Task | BaseException] = []
        accepted: list[Document] = []
        for one in group:
            outcome = outcomes[f"hold:{one.task_id}"]
            if not isinstance(outcome, Applied):
                results.append(outcome)
                continue
            document = self._document(one, now)
            accepted.append(document)
            results.append(Task.model_validate(document))
        taken = await self._store.insert(accepted) if accepted else set()
        self._killpoints.reach("api.after_tasks")
        self._announce(
            [
                document["_id"]
                for document in accepted
                if document["state"] is State.QUEUED and document["_id"] not in taken
            ]
        )
        return [_unless_taken(result, taken) for result in results]

    def _document(self, one: Submission, now: datetime) -> Document:
        deadline_at = now + one.deadline
        if one.mode == "sync":
            # In this process's hands until its deadline; whoever is left then ends it.
            state, wake_at = State.RUNNING, deadline_at
        else:
            state, wake_at = State.QUEUED, now + (ROUTER_WAKE if self._publisher.connected else timedelta(0))
        return {
            "_id": one.task_id,
            "account_id": one.owner.account_id,
            "key_id": one.owner.key_id,
            "dialect": one.dialect,
            "kind": one.kind,
            "model": one.model,
            "request": one.request.model_dump(exclude_none=True),
            "quote": one.quote.model_dump(exclude_none=True),
            "callback_url": one.callback_url,
            "request_id": one.request_id,
            "state": state,
            "version": 0,
            "wake_at": wake_at,
            "history": [{"state": state, "at": now}],
            "created_at": now,
            "deadline_at": deadline_at,
            **({"mode": one.mode, "started_at": now} if one.mode == "sync" else {}),
            **({"public_model": one.public_model} if one.public_model else {}),
            **({"dialect_fields": dict(one.dialect_fields)} if one.dialect_fields else {}),
        }

    def _announce(self, task_ids: Sequence[str]) -> None:
        """Ring the broker's bell without waiting for it."""
        if not task_ids or len(self._announcing) >= MOST_ANNOUNCEMENTS:
            return
        ringing = asyncio.create_task(self._publish(task_ids), name="api:announce")
        self._announcing.add(ringing)
        ringing.add_done_callback(self._announcing.discard)

    async def _publish(self, task_ids: Sequence[str]) -> None:
        await self._publisher.publish([Event(EventType.TASK_QUEUED, tuple(task_ids))])
        self._killpoints.reach("api.after_publish")


def _unless_taken(result: Task | BaseException, taken: set[str]) -> Task | BaseException:
    """The auditor takes the id of a submit that it found cut off; its hold is released then."""
    if isinstance(result, Task) and result.id in taken:
        log.warning("submit was cut off", task_id=result.id)
        return ServiceUnavailable()
    return result
