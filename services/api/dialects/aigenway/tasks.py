"""`GET /v1/tasks/{id}` and `/result`: for the ids of this dialect, of whatever form."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.api.cancel import RenderTask
from services.api.dialects.aigenway.errors import TaskExpired
from services.api.dialects.aigenway.mapping import result_body, task_body
from services.api.dialects.paths import AIGENWAY
from services.api.errors import TaskNotFound
from services.api.parts import ApiParts
from services.api.scopes import Scope
from shared.aigenway import KEPT_FOR, ended_at
from shared.tasks.lifecycle import State
from shared.tasks.model import Task


def task_endpoints(parts: ApiParts, public_url: str) -> APIRouter:
    """`wait` in the query waits for the task's end."""
    router = APIRouter(prefix="/tasks")

    async def found(request: Request, task_id: str) -> Task:
        owner = await parts.admit(request, Scope.TASKS_READ)
        task = await parts.waiting.task(request, task_id, owner.account_id, AIGENWAY)
        if task is None:
            raise TaskNotFound
        return task

    @router.get("/{task_id}")
    async def read_task(request: Request, task_id: str) -> Response:
        return _json(task_body(await found(request, task_id), public_url))

    @router.get("/{task_id}/result")
    async def read_result(request: Request, task_id: str) -> Response:
        task = await found(request, task_id)
        if _expired(task, parts.clock.now()):
            raise TaskExpired
        return _json(result_body(task, public_url))

    return router


def task_renderer(public_url: str) -> RenderTask:
    """Answers with a task of this dialect."""
    return lambda task, status: _json(task_body(task, public_url), status)


def _expired(task: Task, now: datetime) -> bool:
    files = task.state is State.COMPLETED and bool(task.outputs)
    return files and now >= ended_at(task) + KEPT_FOR


def _json(body: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(body), status_code=status, media_type="application/json")
