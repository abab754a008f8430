"""How text calls end that do not end well. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Final

from shared.providers.base import ChatDelta, Failed
from shared.providers.errors import FINAL_FOR_THE_TASK, ErrorClass
from shared.routing.failures import failure_of
from shared.tasks.model import Attempt, Task, TaskFailure

BROKE_OFF_MESSAGE: Final = "The answer broke off before its end"
CANCELLED: Final = Failed(ErrorClass.CANCELLED, "The client went away")
CUT_OFF: Final = Failed(ErrorClass.TRANSIENT, "The provider's answer was cut off")
BROKE: Final = Failed(ErrorClass.UNKNOWN, "The attempt failed inside the gateway")


def carries_content(event: ChatDelta) -> bool:
    """Whether this is a part of the answer; a role alone, or an empty text, is none."""
    return any(value for name, value in event.delta.items() if name != "role")


def as_ours(failure: Failed, task: Task, now: datetime) -> Failed:
    """A provider that gives a call up or meets a time limit of its own has not ended the customer's task."""
    its_own = failure.error_class is ErrorClass.CANCELLED or (
        failure.error_class is ErrorClass.DEADLINE and now < task.deadline_at
    )
    return replace(failure, error_class=ErrorClass.TRANSIENT) if its_own else failure


def too_late(by: datetime, task: Task) -> Failed:
    """A call that did not end by `by`."""
    if by >= task.deadline_at:
        return Failed(ErrorClass.DEADLINE, "The task's deadline passed")
    return Failed(ErrorClass.TRANSIENT, "The provider took too long")


def not_in_time(last: Attempt | None, reason: str, revealed: Collection[str]) -> TaskFailure:
    """No route will be ready before the deadline: nobody gains by waiting for it.

    `reason` is what the routes wait for; the last failure, if there is one, is what the customer is told.
    """
    if last is not None:
        return failure_of(last.error_class, last.error_message, revealed)
    known = (error_class for error_class in ErrorClass if error_class.value == reason)
    return failure_of(next(known, ErrorClass.TRANSIENT))


def broke_off(failure: Failed, revealed: Collection[str]) -> TaskFailure:
    """What a customer is told who has read a part of the answer already."""
    if failure.error_class in FINAL_FOR_THE_TASK:
        return failure_of(failure.error_class, failure.message, revealed)
    return TaskFailure(error_class=failure.error_class, message=BROKE_OFF_MESSAGE)
