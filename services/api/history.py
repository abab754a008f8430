"""A task's past, in the words of its dialect. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from shared.tasks.lifecycle import FINAL, State
from shared.tasks.model import Task

StatusOf = Callable[[Task], str]
"""A dialect's word for where a task stands."""

_STARTED = frozenset({State.RUNNING, State.GENERATED, State.COMPLETED})


@dataclass(frozen=True, slots=True)
class Change:
    """`number` counts the task's moves from 0, its creation."""

    number: int
    status: str
    at: datetime
    final: bool


def changes(task: Task, status_of: StatusOf, after: int = -1) -> Iterator[Change]:
    """What a client has seen change since move `after`; moves that it cannot tell apart are left out."""
    before = status_of(as_of(task, after)) if 0 <= after < len(task.history) else None
    for number in range(max(after + 1, 0), len(task.history)):
        status = status_of(as_of(task, number))
        if status != before:
            move = task.history[number]
            yield Change(number, status, move.at, move.state in FINAL)
        before = status


def as_of(task: Task, number: int) -> Task:
    """The task as it stood after a move, as far as its status shows."""
    states = [move.state for move in task.history[: number + 1]]
    started = task.started_at is not None and not _STARTED.isdisjoint(states)
    return task.model_copy(
        update={
            "state": states[-1],
            "attempts": task.attempts[: states.count(State.DISPATCHED)],
            "started_at": task.started_at if started or task.mode == "sync" else None,
        }
    )
