"""Tasks, their results and files."""

from __future__ import annotations

from services.api.dialects.aigenway.errors import TaskExpired
from services.api.errors import TaskEnded, TaskNotFound
from services.api.reference.aigenway import examples
from services.api.reference.aigenway.schemas import TASK_ID
from services.api.reference.files import answers_of_files
from services.api.reference.model import Answer, Content, Operation, Problem
from services.api.reference.parameters import header, path
from services.api.reference.schema import ref
from services.api.reference.tasks import BAD_WAIT, TOO_MANY, WAIT, events
from services.api.scopes import Scope
from shared.files import RangeUnsatisfiable, StorageUnavailable

_TASK_ID = path("task_id", "As a generation gave it.", pattern=TASK_ID, examples=[examples.TASK_ID])
_NO_TASK = Problem(TaskNotFound(), "there is no such task, or it is another account's")
_EXPIRED = Problem(TaskExpired(), "the files were kept for thirty days and are gone")
_SAMPLE = f"/v1/tasks/{examples.TASK_ID}"
_STATUSES = ("PENDING", "PROCESSING", "SUCCEEDED")


def task_operations() -> tuple[Operation, ...]:
    """Reading, following and cancelling tasks; files."""
    return (
        _read(),
        _result(),
        events(_TASK_ID, examples.TASK_ID, _STATUSES, "FAILED", "CANCELLED"),
        _cancel(),
        _file("GET"),
        _file("HEAD"),
    )


def _read() -> Operation:
    return Operation(
        method="GET",
        path="/v1/tasks/{task_id}",
        name="readTask",
        summary="Read a task",
        description="200 also for a task that failed: its `error_code` says why.",
        scope=Scope.TASKS_READ,
        parameters=(_TASK_ID, WAIT),
        sample=_SAMPLE,
        answers=(Answer(200, "The task.", (Content(ref("Task"), examples.TASKS),)),),
        problems=(_NO_TASK, BAD_WAIT, TOO_MANY),
    )


def _result() -> Operation:
    return Operation(
        method="GET",
        path="/v1/tasks/{task_id}/result",
        name="readResult",
        summary="Read what a task has made",
        scope=Scope.TASKS_READ,
        parameters=(_TASK_ID, WAIT),
        sample=f"{_SAMPLE}/result",
        answers=(
            Answer(
                200,
                "The result, null while there is none.",
                (Content(ref("TaskResult"), {"Succeeded": examples.RESULT}),),
            ),
        ),
        problems=(_NO_TASK, _EXPIRED, BAD_WAIT, TOO_MANY),
    )


def _cancel() -> Operation:
    task = Content(ref("Task"), {"Waiting": examples.TASKS["Waiting"]})
    return Operation(
        method="POST",
        path="/v1/tasks/{task_id}/cancel",
        name="cancelTask",
        summary="Cancel a task",
        description="Takes no body. Asking again is harmless. A cancelled task costs nothing; one whose "
        "output arrives at the same moment may still succeed and be charged.",
        parameters=(_TASK_ID,),
        sample=f"{_SAMPLE}/cancel",
        limited=False,
        answers=(
            Answer(200, "It is cancelled already.", (task,)),
            Answer(202, "The request is noted; the task ends shortly.", (task,)),
        ),
        problems=(_NO_TASK, Problem(TaskEnded("The task is already completed"), "the task has ended")),
    )


def _file(method: str) -> Operation:
    return Operation(
        method=method,
        path="/v1/files/results/{account_id}/{task_id}/{name}",
        name="readFile" if method == "GET" else "checkFile",
        summary="A file of a task" + ("" if method == "GET" else ", headers only"),
        description="No key is needed: the name cannot be guessed. Take the address from the result.",
        scope=None,
        parameters=(
            path("account_id", "Your account's id.", pattern="^acc_[0-9a-z]{26}$"),
            _TASK_ID,
            path("name", "The file's.", examples=[examples.FILE.rpartition("/")[2]]),
            *((header("Range", "One part, as in `bytes=0-99`."),) if method == "GET" else ()),
        ),
        sample=examples.FILE,
        answers=answers_of_files(method, ("image/png", "image/jpeg", "image/webp", "image/gif", "video/mp4")),
        problems=(
            Problem(TaskNotFound("File not found"), "there is no such file"),
            _EXPIRED,
            Problem(RangeUnsatisfiable(), "the file does not have the `Range` asked for"),
            Problem(StorageUnavailable(), "the file storage cannot be reached"),
        ),
    )
