"""What account-level endpoints are told, in our own words: `{"id", "type", "version", "created_at", "data"}`.

The same whatever the dialect of the task. No I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import orjson

from shared.account_events import AccountEvent
from shared.links import file_url
from shared.money import usd_from_nano
from shared.providers.errors import ErrorClass
from shared.settings import Settings
from shared.tasks.lifecycle import State
from shared.tasks.model import Task, TaskFailure
from shared.webhooks.events import TaskEventType

VERSION: Final = 1
MOST_BYTES: Final = 20_000
LONGEST_ERROR: Final = 1000
"""Characters."""
EVENT_OF: Mapping[State, TaskEventType] = MappingProxyType(
    {
        State.COMPLETED: TaskEventType.COMPLETED,
        State.FAILED: TaskEventType.FAILED,
        State.CANCELLED: TaskEventType.CANCELLED,
    }
)
_ERROR_CODES: Mapping[ErrorClass, str] = MappingProxyType(
    {
        ErrorClass.CALLER_FAULT: "invalid_request",
        ErrorClass.POLICY_REFUSAL: "policy_refusal",
        ErrorClass.NO_OUTPUT: "no_output",
        ErrorClass.CANCELLED: "cancelled",
        ErrorClass.DEADLINE: "timed_out",
    }
)
_OTHER_ERROR: Final = "provider_unavailable"


def event_id(task: Task) -> str:
    """Of the task's only event: its own id's ULID, so that it is the same for all endpoints and ever."""
    return f"evt_{task.id[-26:].lower()}"


def task_payload(task: Task, settings: Settings) -> bytes:
    """The payload of a final task, at most 20 KB."""
    completed = task.state is State.COMPLETED
    data = {
        "task_id": task.id,
        "status": task.state.value,
        "model": task.public_model or task.model,
        "cost_usd": usd_from_nano(task.cost_nano, 9),
        "output_urls": [file_url(settings, output.key) for output in task.outputs] if completed else [],
        "error": None if completed else _error(task.failure),
    }
    return _payload(event_id(task), EVENT_OF[task.state], task.completed_at or task.history[-1].at, data)


def account_payload(event: AccountEvent) -> bytes:
    """The payload of an event of the account, at most 20 KB."""
    return _payload(event.id, event.type, event.at, event.data)


def _error(failure: TaskFailure | None) -> dict[str, str]:
    if failure is None:
        return {"code": _OTHER_ERROR, "message": "The task failed"}
    code = _ERROR_CODES.get(failure.error_class, _OTHER_ERROR)
    return {"code": code, "message": failure.message[:LONGEST_ERROR]}


def _payload(identity: str, kind: str, at: datetime, data: Mapping[str, Any]) -> bytes:
    content = {
        "id": identity,
        "type": kind,
        "version": VERSION,
        "created_at": at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z",
        "data": dict(data),
    }
    return fitted(content)


def fitted(content: Mapping[str, Any]) -> bytes:
    """The JSON of a payload. Beyond 20 KB the longest of `data` are cut and named in `truncated`."""
    body, data, cut = _json(content), dict(content["data"]), set[str]()
    while len(body) > MOST_BYTES and data:
        name = max(data, key=lambda one: len(_json(data[one])))
        data[name] = _shorter(data[name])
        cut.add(name)
        body = _json({**content, "data": data, "truncated": sorted(cut)})
        if data[name] is None and len(body) > MOST_BYTES:
            del data[name]
    return body


def _shorter(value: Any) -> Any:
    """Half of a text or list; nothing of what has no half."""
    if isinstance(value, (str, list)) and len(value) > 1:
        return value[: len(value) // 2]
    return None


def _json(value: Any) -> bytes:
    return orjson.dumps(value, default=str)
