"""Image tasks as the platform tells of them. Pure.

Source: the platform's overview, "Image Generation". How a finished image is fetched is our own form of it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from services.api.dialects.eggapi.mapping import FileUrl, status_of
from services.api.dialects.openai.errors import failure_object
from services.api.dialects.openai.image_schemas import ImageCall
from services.api.dialects.openai.sizes import shape_of
from shared.tasks.lifecycle import State
from shared.tasks.model import Task, TaskRequest


def request_of(call: ImageCall, image_urls: tuple[str, ...] = ()) -> TaskRequest:
    """The request in our own words."""
    aspect_ratio, resolution = shape_of(call.size)
    return TaskRequest(
        prompt=call.prompt,
        aspect_ratio=aspect_ratio,
        num_outputs=call.n,
        resolution=resolution,
        image_urls=image_urls,
    )


def task_body(task: Task, file_url: FileUrl, revealed: Collection[str] = ()) -> dict[str, Any]:
    """The task's metadata; `error` only of a failed one.

    `provider_task_id` is told of providers that customers may know, and of no others.
    """
    status = status_of(task)
    body: dict[str, Any] = {
        "created": int(task.created_at.timestamp()),
        "data": _data(task, status, file_url),
        "task_id": task.id,
        "provider_task_id": _provider_task_id(task, revealed),
        "status": status,
        "model": task.public_model or task.model,
    }
    if task.state in {State.FAILED, State.CANCELLED} and task.failure is not None:
        body["error"] = failure_object(task.failure)
    return body


def _data(task: Task, status: str, file_url: FileUrl) -> list[dict[str, Any]]:
    """One item for each image that there is or may come, so that `data[0].url` can always be asked for."""
    if status == "completed":
        return [_item(file_url(output.key)) for output in task.outputs]
    if status == "failed":
        return []
    return [_item(None) for _ in range(task.request.num_outputs)]


def _item(url: str | None) -> dict[str, Any]:
    return {"url": url, "b64_json": None}


def _provider_task_id(task: Task, revealed: Collection[str]) -> str | None:
    job = task.attempts[-1].provider_job if task.attempts else None
    if job is None or task.attempt.provider not in revealed:
        return None
    return job.ids[0]
