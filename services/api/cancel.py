"""`POST /v1/tasks/{id}/cancel`: for the tasks of every dialect, answered in the task's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from services.api.admission import Admission
from services.api.errors import TaskEnded, TaskNotFound
from services.api.scopes import Scope
from services.api.tasks import TaskReader
from shared.bus.events import Event, EventType
from shared.bus.publisher import Publisher
from shared.providers.errors import ErrorClass
from shared.tasks.lifecycle import State
from shared.tasks.model import Task
from shared.tasks.store import TaskStore

RenderTask = Callable[[Task, int], Response]
"""A dialect's answer that shows a task, with this HTTP status."""

_TOO_LATE = {
    State.GENERATED: "The task has already been generated",
    State.COMPLETED: "The task is already completed",
}


@dataclass(frozen=True, slots=True)
class Cancellation:
    """`ended`: nothing remains to be done. Otherwise the services bring the task to its end."""

    task: Task
    ended: bool


class Cancellations:
    """Takes requests to cancel; router and workers act on them."""

    def __init__(self, store: TaskStore, tasks: TaskReader, publisher: Publisher) -> None:
        self._store = store
        self._tasks = tasks
        self._publisher = publisher

    async def request(self, task_id: str, account_id: str) -> Cancellation:
        """Repeating a request changes nothing. Raises TaskNotFound, and TaskEnded where it comes too late."""
        task = await self._store.request_cancel(task_id, account_id)
        if task is not None:
            await self._publisher.publish([Event(EventType.TASK_CANCEL_REQUESTED, (task.id,))])
            return Cancellation(task, ended=False)
        task = await self._tasks.get(task_id, account_id)
        if task is None:
            raise TaskNotFound
        if not _is_cancelled(task):
            raise TaskEnded(_TOO_LATE.get(task.state, "The task has already failed"))
        return Cancellation(task, ended=True)


def _is_cancelled(task: Task) -> bool:
    """Billing may not have given its hold back yet."""
    if task.state is State.REJECTED and task.failure is not None:
        return task.failure.error_class is ErrorClass.CANCELLED
    return task.state is State.CANCELLED


def cancel_endpoints(
    admit: Admission, cancellations: Cancellations, renderers: Mapping[str, RenderTask]
) -> APIRouter:
    """202 while the task still has to come to its end, 200 once it is cancelled. A body is not read."""
    router = APIRouter(prefix="/v1")

    @router.post("/tasks/{task_id}/cancel", status_code=202)
    async def cancel_task(request: Request, task_id: str) -> Response:
        owner = await admit(request, Scope.IMAGES)
        cancellation = await cancellations.request(task_id, owner.account_id)
        render = renderers[cancellation.task.dialect]
        return render(cancellation.task, 200 if cancellation.ended else 202)

    return router
