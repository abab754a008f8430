"""What every dialect offers for its tasks in the same way."""

from __future__ import annotations

from collections.abc import Sequence

from services.api.errors import MalformedRequest, NotFound
from services.api.reference.model import EVENTS, Answer, Content, Operation, Problem
from services.api.reference.parameters import header, query
from services.api.reference.schema import Schema, event_of, record, text, whole
from services.api.scopes import Scope
from services.api.waiting import MOST_SECONDS, TooManyWaiters

WAIT = query(
    "wait",
    "Seconds to wait for the task's end before answering with the task as it stands.",
    whole(minimum=0, maximum=MOST_SECONDS, default=0),
)
NO_TASK = Problem(NotFound("Task not found"), "there is no such task, or it is another account's")
BAD_WAIT = Problem(
    MalformedRequest(f"wait must be a whole number of seconds between 0 and {MOST_SECONDS}"),
    "`wait` is no whole number of seconds",
)
TOO_MANY = Problem(TooManyWaiters(), "too many clients wait for tasks at the moment")


def events(task_id: Schema, sample: str, statuses: Sequence[str], *endings: str) -> Operation:
    """`statuses` are a task's words in the order in which they come, `endings` other final ones."""
    told = "".join(
        f'id: {number}\nevent: state\ndata: {{"id":"{sample}","status":"{status}",'
        f'"at":"2026-11-20T09:15:{number:02}.120Z"}}\n\n'
        for number, status in enumerate(statuses)
    )
    return Operation(
        method="GET",
        path="/v1/tasks/{task_id}/events",
        name="followTask",
        summary="Follow a task as a stream of events",
        description="One event for every change of status, from the first or from the one after "
        "`Last-Event-ID`. The stream ends after the final one; comments keep it open meanwhile.",
        scope=Scope.TASKS_READ,
        parameters=(
            task_id,
            header("Last-Event-ID", "The `id` of the last event that has been seen.", pattern="^[0-9]{1,9}$"),
        ),
        sample=f"/v1/tasks/{sample}/events",
        answers=(
            Answer(
                200, "The events.", (Content(_event([*statuses, *endings]), {"To the end": told}, EVENTS),)
            ),
            Answer(204, "The final event has been seen: nothing more will come."),
        ),
        problems=(
            NO_TASK,
            TOO_MANY,
            Problem(
                MalformedRequest("Last-Event-ID must be the id of an event of this stream"),
                "`Last-Event-ID` is none of this stream",
            ),
        ),
    )


def _event(statuses: Sequence[str]) -> Schema:
    """Of a stream, the schema describes one event."""
    data = record(
        {"id": text("Of the task."), "status": text(enum=sorted(statuses)), "at": text(format="date-time")}
    )
    return event_of(data, event=text(const="state"), id=text("The number of the task's move."))
