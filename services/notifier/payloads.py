"""What a webhook says, in the words of the dialect the task was asked in. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import orjson

from shared.aigenway import CURRENCY, METHOD, PROVIDER, failure_code, result_of, units_text
from shared.catalog.settle import seconds_of
from shared.errors import HatcheryError
from shared.links import file_url
from shared.money import usd_from_nano
from shared.settings import Settings
from shared.tasks.lifecycle import State
from shared.tasks.model import Task

LONGEST_ERROR: Final = 1000
"""Characters; keeps payloads below 20 KB, but for those with the answer of a text method."""


GENERATION_COMPLETED: Final = "generation.completed"
"""Aigenway's only event."""


class NoWebhooks(HatcheryError):
    """This dialect has no webhooks."""


@dataclass(frozen=True, slots=True)
class Payload:
    """`body` goes over the wire as it is, in every attempt."""

    event: str
    body: bytes


def render(task: Task, settings: Settings) -> Payload:
    """The payload of a final task. Raises NoWebhooks."""
    try:
        renderer = _RENDERERS[task.dialect]
    except KeyError:
        raise NoWebhooks(f"The dialect {task.dialect!r} has no webhooks.") from None
    return renderer(task, settings)


def _eggapi(task: Task, settings: Settings) -> Payload:
    """EggAPI, "Tasks and webhooks"; a cancelled task is a failed one there."""
    # The dialect knows no third outcome.
    status = "completed" if task.state is State.COMPLETED else "failed"
    event = f"task.{status}"
    output = _output(task, settings) if status == "completed" else None
    error = None
    if status == "failed":
        error = task.failure.message[:LONGEST_ERROR] if task.failure else "The task failed"
    ended_at = task.completed_at or task.history[-1].at
    content = {
        "event": event,
        "task_id": task.id,
        "status": status,
        "model": task.model,
        "output": output,
        "error": error,
        "cost": usd_from_nano(task.cost_nano, 6),
        "timestamp": int(ended_at.timestamp()),
    }
    return Payload(event, orjson.dumps(content))


def _output(task: Task, settings: Settings) -> dict[str, Any]:
    """As in the task object."""
    urls = [file_url(settings, output.key) for output in task.outputs]
    if task.kind == "video_generate":
        return {"url": urls[0], "duration_seconds": seconds_of(task.request, task.outputs[0])}
    return {"url": urls[0], "urls": urls}


def _aigenway(task: Task, settings: Settings) -> Payload:
    """Aigenway, "Webhooks": one event for every end, and `status` in small letters tells which."""
    completed = task.state is State.COMPLETED
    error = None
    if not completed:
        message = task.failure.message[:LONGEST_ERROR] if task.failure else "The task failed"
        error = {"code": failure_code(task.failure), "message": message}
    content = {
        "event": GENERATION_COMPLETED,
        "task_id": task.id,
        "status": "succeeded" if completed else task.state.value,
        "provider": task.dialect_fields.get(PROVIDER),
        "model": task.public_model,
        "method": task.dialect_fields.get(METHOD),
        "charged_amount": units_text(task.cost_nano),
        "currency": CURRENCY,
        "result": result_of(task, settings.public_url) if completed else None,
        "error": error,
    }
    return Payload(GENERATION_COMPLETED, orjson.dumps(content))


_RENDERERS: Mapping[str, Callable[[Task, Settings], Payload]] = MappingProxyType(
    {"eggapi": _eggapi, "aigenway": _aigenway}
)
