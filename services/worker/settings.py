"""Settings of the worker."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from services.worker.downloads import FetchLimits
from shared.settings import Settings


class WorkerSettings(Settings):
    """How much one worker takes on."""

    worker_concurrency: int = Field(default=500, ge=1)
    """Tasks of one provider in hand at a time."""
    worker_lease_seconds: float = Field(default=30, gt=1)
    """How long a task stays with a worker that has fallen silent."""
    max_output_bytes: int = Field(default=64 * 1024 * 1024, ge=1)
    """A generated image larger than this is refused."""
    max_video_bytes: int = Field(default=2 * 1024 * 1024 * 1024, ge=1)
    """A generated video larger than this is refused."""

    fetch_seconds: float = Field(default=60, gt=0)
    """How long fetching a generated image may take."""
    fetch_video_seconds: float = Field(default=600, gt=0)
    """The same of a video."""

    @property
    def fetch_limits(self) -> FetchLimits:
        return FetchLimits(timedelta(seconds=self.fetch_seconds), timedelta(seconds=self.fetch_video_seconds))

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.worker_lease_seconds)
