"""`GET /v1/tasks/{id}/events`: a task's changes as they happen, for the tasks of every dialect."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Final

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from services.api.admission import Admission
from services.api.errors import MalformedRequest, TaskNotFound
from services.api.history import Change, StatusOf, changes
from services.api.scopes import Scope
from services.api.tasks import TaskReader
from services.api.waiting import Bell, rings
from shared.tasks.lifecycle import FINAL
from shared.tasks.model import Task

HEARTBEAT_SECONDS: Final = 15.0
_HEARTBEAT: Final = b": still here\n\n"
_MOST_DIGITS: Final = 9
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class TaskEvents:
    """Streams of server-sent events.

    Each has `event: state`, the number of the task's move as its `id`, and
    `data: {"id", "status", "at"}` with the dialect's word. The stream ends after the final one.
    """

    def __init__(
        self, tasks: TaskReader, bell: Bell, statuses: Mapping[str, StatusOf], heartbeat_seconds: float
    ) -> None:
        self._tasks = tasks
        self._bell = bell
        self._statuses = statuses
        self._heartbeat_seconds = heartbeat_seconds

    async def answer(self, task_id: str, account_id: str, after: int) -> Response:
        """What has happened since move `after`, then what happens; 204 when nothing can any more.

        Raises TaskNotFound and TooManyWaiters.
        """
        task = await self._tasks.get(task_id, account_id)
        if task is None or task.dialect not in self._statuses:
            raise TaskNotFound
        if task.state in FINAL and after >= len(task.history) - 1:
            return Response(status_code=204)
        self._bell.admit()
        return StreamingResponse(
            self._stream(task, after), media_type="text/event-stream", headers=dict(_HEADERS)
        )

    async def _stream(self, task: Task, after: int) -> AsyncGenerator[bytes, None]:
        status_of, current = self._statuses[task.dialect], await self._read(task)
        with self._bell.of(task.id) as rung:
            while True:
                for change in changes(current, status_of, after):
                    yield _event(task.id, change)
                if current.state in FINAL or self._bell.closed:
                    return
                after = len(current.history) - 1
                while not await rings(rung, self._heartbeat_seconds):
                    yield _HEARTBEAT
                current = await self._read(task)

    async def _read(self, task: Task) -> Task:
        return await self._tasks.get(task.id, task.account_id) or task


def _event(task_id: str, change: Change) -> bytes:
    at = change.at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{change.at.microsecond // 1000:03}Z"
    data = orjson.dumps({"id": task_id, "status": change.status, "at": at})
    return b"id: %d\nevent: state\ndata: %b\n\n" % (change.number, data)


def event_endpoints(
    admit: Admission,
    tasks: TaskReader,
    bell: Bell,
    statuses: Mapping[str, StatusOf],
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
) -> APIRouter:
    """`statuses` are the dialects' words; a `Last-Event-ID` goes on from there."""
    router = APIRouter(prefix="/v1")
    events = TaskEvents(tasks, bell, statuses, heartbeat_seconds)

    @router.get("/tasks/{task_id}/events")
    async def read_events(request: Request, task_id: str) -> Response:
        owner = await admit(request, Scope.TASKS_READ)
        return await events.answer(task_id, owner.account_id, _last_seen(request))

    return router


def _last_seen(request: Request) -> int:
    text = request.headers.get("last-event-id", "")
    if not text:
        return -1
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise MalformedRequest("Last-Event-ID must be the id of an event of this stream")
    return int(text)
