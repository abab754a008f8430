"""Between EggAPI's words and ours. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from services.api.dialects.eggapi.schemas import GenerateRequest, VideoRequest
from shared.catalog.settle import seconds_of, unit_cost, units_of
from shared.money import usd_from_nano
from shared.tasks.lifecycle import State
from shared.tasks.model import Task, TaskRequest

FileUrl = Callable[[str], str]
"""The public address of a stored file's key."""

VIDEO = "video_generate"
"""A task kind of EggAPI's and ours."""
_WAITING = frozenset({State.QUEUED, State.DISPATCHED, State.SUBMITTING})


def kind_of(body: GenerateRequest) -> str:
    """Input images make it an edit; of a video they are the first frame."""
    if isinstance(body, VideoRequest):
        return VIDEO
    return "image_edit" if body.image_urls or body.image_url else "image_generate"


def request_of(body: GenerateRequest) -> TaskRequest:
    """The request in our own words."""
    image_urls = tuple(body.image_urls) or ((body.image_url,) if body.image_url else ())
    return TaskRequest(
        prompt=body.prompt,
        negative_prompt=body.negative_prompt or None,
        aspect_ratio=body.aspect_ratio,
        num_outputs=body.num_outputs,
        resolution=body.resolution.upper() if body.resolution else None,
        image_urls=image_urls,
        duration_seconds=body.duration if isinstance(body, VideoRequest) else None,
    )


def status_of(task: Task) -> str:
    """`pending` until a provider has been asked, then `processing`."""
    if task.state is State.COMPLETED:
        return "completed"
    if task.state in {State.FAILED, State.CANCELLED}:
        return "failed"
    first_try = len(task.attempts) <= 1 and task.started_at is None
    return "pending" if first_try and task.state in _WAITING else "processing"


def task_body(task: Task, file_url: FileUrl) -> dict[str, Any]:
    """The task object; what is not known yet is left out."""
    body: dict[str, Any] = {
        "id": task.id,
        "status": status_of(task),
        "model": task.model,
        "type": task.kind,
    }
    if task.state is State.COMPLETED:
        body["output"] = _output(task, file_url)
    if task.state in {State.FAILED, State.CANCELLED} and task.failure is not None:
        body["error"] = task.failure.message
    body["cost"] = cost_text(task.cost_nano)
    body["created_at"] = time_text(task.created_at)
    if task.started_at is not None:
        body["started_at"] = time_text(task.started_at)
    if task.completed_at is not None:
        body["completed_at"] = time_text(task.completed_at)
    return body


def _output(task: Task, file_url: FileUrl) -> dict[str, Any]:
    urls = [file_url(output.key) for output in task.outputs]
    if task.kind == VIDEO:
        return {"url": urls[0], "duration_seconds": seconds_of(task.request, task.outputs[0])}
    return {"url": urls[0], "urls": urls}


def usage_body(task: Task) -> dict[str, Any]:
    """One usage record: a task that was charged."""
    return {
        "id": f"use_{task.id[-26:]}",
        "task_id": task.id,
        "model": task.model,
        "type": task.kind,
        "units": _units(task),
        "unit_cost": cost_text(unit_cost(task.quote)),
        "cost": cost_text(task.cost_nano),
        "created_at": time_text(task.completed_at or task.created_at),
    }


def _units(task: Task) -> int:
    """Images, seconds of video; a request whose answer is text is one."""
    return 1 if task.mode == "sync" else units_of(task.quote.unit, task.request, task.outputs)


def cost_text(nano: int) -> str:
    """`$0.00` for nothing, else four decimals: `$0.0160`; `-$0.0160` is given back."""
    if not nano:
        return "$0.00"
    return f"{'-' if nano < 0 else ''}${usd_from_nano(abs(nano), 4)}"


def time_text(at: datetime) -> str:
    """RFC 3339 with `Z`, whole seconds."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
