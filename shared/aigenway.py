"""What the api's answers and the webhooks of the Aigenway dialect have in common. Pure.

Source: the platform's pages "Task lifecycle" and "Webhooks"; one unit of money there is 10⁻⁸ USD.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from shared.providers.errors import ErrorClass
from shared.tasks.model import OutputFile, Task, TaskFailure

NANO_PER_UNIT: Final = 10
CURRENCY: Final = "USD"
KEPT_FOR: Final = timedelta(days=30)
"""From the end of a task on; then its files are gone."""
PROVIDER, METHOD, FILE_TOKEN = "provider", "method", "file_token"
"""What is kept in a task's `dialect_fields`; the token makes the addresses of its files unguessable."""
TASK_FAILED: Final = "task_failed"

_CODES: Final[Mapping[ErrorClass, str]] = {
    ErrorClass.DEADLINE: "task_timed_out",
    ErrorClass.CALLER_FAULT: "invalid_parameters",
    ErrorClass.POLICY_REFUSAL: TASK_FAILED,
    ErrorClass.NO_OUTPUT: TASK_FAILED,
    ErrorClass.CANCELLED: TASK_FAILED,
    ErrorClass.PROVIDER_NOT_CONFIGURED: "model_unavailable",
}


def units_text(nano: int) -> str:
    """Nano-USD as units in text, rounded up: `units_text(120_000_000)` is `12000000`."""
    return str(-(-nano // NANO_PER_UNIT))


def time_text(at: datetime) -> str:
    """ISO 8601 in UTC with milliseconds."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


def failure_code(failure: TaskFailure | None) -> str:
    """The platform's word for why a task failed."""
    return TASK_FAILED if failure is None else _CODES.get(failure.error_class, "provider_unavailable")


def ended_at(task: Task) -> datetime:
    """Of a final task."""
    return task.completed_at or task.history[-1].at


def file_name(task: Task, number: int) -> str:
    """The last part of a file's address: `image_0-3f….png`."""
    output = task.outputs[number]
    token, extension = task.dialect_fields.get(FILE_TOKEN, ""), output.key.rpartition(".")[2]
    return f"{_type_of(output)}_{number}-{token}.{extension}"


def result_of(task: Task, public_url: str) -> dict[str, Any] | None:
    """What a completed task has made, its first file twice; None for an answer that was not kept."""
    if task.mode == "sync":
        return orjson.loads(task.result) if task.result is not None else None
    until = time_text(ended_at(task) + KEPT_FOR)
    folder = f"{public_url.rstrip('/')}/v1/files/results/{task.account_id}/{task.id}"
    files = [
        {
            "type": _type_of(output),
            "url": f"{folder}/{file_name(task, number)}",
            "mime_type": output.content_type,
            "available_until": until,
        }
        for number, output in enumerate(task.outputs)
    ]
    return {**files[0], "files": files}


def _type_of(output: OutputFile) -> str:
    return "video" if output.content_type.startswith("video/") else "image"
