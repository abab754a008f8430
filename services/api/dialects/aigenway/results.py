"""`GET /v1/files/results/{account}/{task}/{file}`: what was made, for thirty days. No key is needed.

Source: the platform's page "Task lifecycle". The name of a file cannot be guessed.
"""

from __future__ import annotations

import re
import secrets
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.api.dialects.aigenway.errors import TaskExpired
from services.api.dialects.paths import AIGENWAY
from services.api.errors import TaskNotFound
from services.api.file_streams import FileStreams
from services.api.files import stored_answer
from services.api.parts import ApiParts
from shared.aigenway import KEPT_FOR, ended_at, file_name
from shared.files import FileMissing
from shared.tasks.lifecycle import State
from shared.tasks.model import Task

_NAME: Final = re.compile(r"(?:image|video)_([0-9])-[0-9a-f]{1,64}\.[a-z0-9]{1,5}")


def result_endpoints(parts: ApiParts, streams: FileStreams) -> APIRouter:
    """Anything but images and videos is given for saving, not for showing."""
    router = APIRouter(prefix="/files/results")

    @router.api_route("/{account_id}/{task_id}/{name}", methods=["GET", "HEAD"])
    async def read_result(request: Request, account_id: str, task_id: str, name: str) -> Response:
        number = _number(name)
        task = None
        if number is not None:
            task = await parts.tasks.get(task_id, account_id, AIGENWAY)
        if task is None or number is None or not _is_its(task, number, name):
            raise TaskNotFound("File not found")
        left = ended_at(task) + KEPT_FOR - parts.clock.now()
        if left.total_seconds() <= 0:
            raise TaskExpired
        try:
            answer = await stored_answer(parts.files, streams, request, task.outputs[number].key)
        except FileMissing as error:
            raise TaskNotFound("File not found") from error
        answer.headers["Cache-Control"] = f"public, max-age={int(left.total_seconds())}, immutable"
        return answer

    return router


def _number(name: str) -> int | None:
    found = _NAME.fullmatch(name)
    return None if found is None else int(found[1])


def _is_its(task: Task, number: int, name: str) -> bool:
    made = task.state is State.COMPLETED and task.mode == "async" and number < len(task.outputs)
    return made and secrets.compare_digest(file_name(task, number), name)
