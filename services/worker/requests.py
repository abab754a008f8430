"""What a provider is asked for a task's current attempt."""

from __future__ import annotations

from datetime import datetime

from shared.providers.base import GenerationRequest
from shared.providers.capabilities import Kind, capabilities_of
from shared.tasks.model import Task


class Requests:
    """Makes requests; with `hints_url`, providers that can are asked to tell when a job is over."""

    def __init__(self, hints_url: str | None) -> None:
        self._hints_url = hints_url.rstrip("/") if hints_url else None

    def of(self, task: Task, now: datetime) -> GenerationRequest:
        """The request of the current attempt, with the time that it has left."""
        request, attempt = task.request, task.attempt
        return GenerationRequest(
            upstream_model=attempt.upstream_model,
            prompt=request.prompt,
            negative_prompt=request.negative_prompt,
            aspect_ratio=request.aspect_ratio,
            num_outputs=request.num_outputs,
            resolution=request.resolution,
            image_urls=request.image_urls,
            options=attempt.options,
            kind=Kind.VIDEO if task.kind == "video_generate" else Kind.IMAGE,
            duration_seconds=request.duration_seconds,
            quality=request.quality,
            background=request.background,
            mask_url=request.mask_url,
            callback_url=self._callback_url(task),
            time_limit=attempt.soft_deadline_at - now,
        )

    def _callback_url(self, task: Task) -> str | None:
        capabilities = capabilities_of(task.attempt.provider, task.attempt.upstream_model)
        if self._hints_url is None or capabilities is None or not capabilities.hints:
            return None
        return f"{self._hints_url}/callbacks/{task.attempt.provider}/{task.id}"
