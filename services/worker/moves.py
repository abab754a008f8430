"""The worker's moves, as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from shared.provider_costs import ProviderCost
from shared.providers.base import Failed, ProviderJob
from shared.providers.errors import ErrorClass
from shared.tasks.lifecycle import State
from shared.tasks.model import OutputFile, Task
from shared.tasks.store import Move

HANDOVER_WAKE = timedelta(seconds=5)
"""When the next service has not taken the task up by then, its sweeper does."""


def claim(task: Task, owner: str, key_id: str | None, lease: timedelta, now: datetime) -> Move:
    """Record the intent to call the provider, who is about to, and with which key.

    The attempt's time begins now: it may have waited long for a worker.
    """
    attempt = task.attempt
    allowed = attempt.soft_deadline_at - attempt.dispatched_at
    path = task.attempt_path
    fields: dict[str, Any] = {
        "owner": owner,
        f"{path}.soft_deadline_at": min(now + allowed, task.deadline_at),
    }
    if key_id is not None:
        fields[f"{path}.key_id"] = key_id
    return Move(task, State.SUBMITTING, lease, set=fields)


def take_over(task: Task, owner: str, lease: timedelta) -> Move:
    """Go on with a job whose worker has fallen silent; its later writes no longer match."""
    return Move(task, State.RUNNING, lease, set={"owner": owner})


def running(task: Task, job: ProviderJob, now: datetime, lease: timedelta) -> Move:
    """The provider took the job."""
    path = task.attempt_path
    started = {} if task.started_at else {"started_at": now}
    return Move(
        task,
        State.RUNNING,
        lease,
        set={
            f"{path}.provider_job": {"ids": list(job.ids), "urls": dict(job.urls)},
            f"{path}.submitted_at": now,
            **started,
        },
    )


def failed(
    task: Task, failure: Failed, now: datetime, left_behind: int = 0, cost: ProviderCost | None = None
) -> Move:
    """The attempt is over without output; `left_behind` provider jobs may still run."""
    path = task.attempt_path
    fields: dict[str, Any] = {
        f"{path}.error_class": failure.error_class.value,
        f"{path}.error_message": failure.message,
        f"{path}.ended_at": now,
        "owner": None,
    }
    if failure.retry_after is not None:
        fields[f"{path}.retry_at"] = now + failure.retry_after
    fields |= _orphans(path, left_behind) | _cost(path, cost)
    if not task.started_at:
        fields["started_at"] = now
    return Move(task, State.ATTEMPT_FAILED, HANDOVER_WAKE, set=fields)


def generated(
    task: Task,
    outputs: Sequence[OutputFile],
    cost: ProviderCost | None,
    now: datetime,
    left_behind: int = 0,
) -> Move:
    """The outputs are stored; of the same attempt `left_behind` provider jobs may still run."""
    path = task.attempt_path
    fields: dict[str, Any] = {
        "outputs": [output.model_dump(exclude_none=True) for output in outputs],
        f"{path}.ended_at": now,
        "owner": None,
    }
    fields |= _orphans(path, left_behind) | _cost(path, cost)
    if not task.started_at:
        fields["started_at"] = now
    return Move(task, State.GENERATED, HANDOVER_WAKE, set=fields)


def as_moved(move: Move) -> Task:
    """The task after a claim or a take-over that has happened."""
    task = move.task
    update: dict[str, Any] = {"state": move.to, "version": task.version + 1, "owner": move.set["owner"]}
    soft_deadline = move.set.get(f"{task.attempt_path}.soft_deadline_at")
    if soft_deadline is not None:
        key_id = move.set.get(f"{task.attempt_path}.key_id")
        attempt = task.attempt.model_copy(update={"soft_deadline_at": soft_deadline, "key_id": key_id})
        update["attempts"] = (*task.attempts[:-1], attempt)
    return task.model_copy(update=update)


def as_ours(failure: Failed, task: Task, cancelled: bool, now: datetime) -> Failed:
    """A provider that cancels a job or meets a time limit of its own has not ended the customer's task."""
    if cancelled and failure.error_class is ErrorClass.CANCELLED:
        return failure
    its_own = failure.error_class is ErrorClass.CANCELLED or (
        failure.error_class is ErrorClass.DEADLINE and now < task.deadline_at
    )
    return replace(failure, error_class=ErrorClass.TRANSIENT) if its_own else failure


def cancelled() -> Failed:
    """How an attempt ends that the client does not want any more."""
    return Failed(ErrorClass.CANCELLED, "The client cancelled the task")


def _orphans(path: str, left_behind: int) -> dict[str, Any]:
    return {f"{path}.orphan_suspect": True, f"{path}.unaccounted": left_behind} if left_behind else {}


def _cost(path: str, cost: ProviderCost | None) -> dict[str, Any]:
    return {f"{path}.cost_nano": cost.nano, f"{path}.cost_source": cost.source} if cost else {}


def interrupted() -> Failed:
    """How an attempt ends whose worker died between the claim and the recorded answer."""
    return Failed(ErrorClass.SUBMIT_AMBIGUOUS, "The hand-over to the provider was interrupted")
