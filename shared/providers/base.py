"""What every provider adapter is given and gives back.

An adapter turns one `GenerationRequest` into HTTP calls of one provider and the provider's answers into the
values below. It knows nothing of tasks, MongoDB or RabbitMQ, never raises for what a provider does wrong
(that is a `Failed`), and never sends its key to a host that an answer names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from shared.providers.errors import ErrorClass


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """Images to make with one upstream model."""

    upstream_model: str
    prompt: str
    negative_prompt: str | None = None
    aspect_ratio: str | None = None
    num_outputs: int = 1
    resolution: str | None = None
    """`1K`, `2K`, `4K` or None for the provider's default."""
    image_urls: tuple[str, ...] = ()
    """Not empty: edit these images."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Route options from the catalog, in the provider's own field names."""


@dataclass(frozen=True, slots=True)
class ProviderJob:
    """A job that a provider took. Plain data: it is stored with the attempt and survives the process."""

    ids: tuple[str, ...]
    """More than one where the provider makes one image per call."""
    urls: Mapping[str, str] = field(default_factory=dict)
    """Addresses the provider named for this job, by purpose."""


@dataclass(frozen=True, slots=True)
class Output:
    """One generated file: where to fetch it, or its bytes."""

    url: str | None = None
    data: bytes | None = None
    content_type: str | None = None
    """As the provider says; the bytes decide."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the job; poll it."""

    job: ProviderJob


@dataclass(frozen=True, slots=True)
class Running:
    """Not finished."""

    queue_position: int | None = None
    note: str | None = None
    """Why this poll told nothing, if it did not (for the log)."""


@dataclass(frozen=True, slots=True)
class Done:
    """Finished with at least one output."""

    outputs: tuple[Output, ...]
    cost_nano: int | None = None
    """What the provider says it charged us, in nano-USD."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The attempt is over without output."""

    error_class: ErrorClass
    message: str
    """Short text, stripped of markup, hosts and keys."""
    retry_after: timedelta | None = None


class Provider(Protocol):
    """One provider adapter."""

    name: str

    async def submit(self, request: GenerationRequest) -> Accepted | Done | Failed:
        """Hand the job over. A time-out or reset after sending is `Failed(SUBMIT_AMBIGUOUS)`."""
        ...

    async def poll(self, job: ProviderJob) -> Running | Done | Failed:
        """Ask once. Network trouble, 5xx, 429 and unknown words are `Running`: the job may still finish."""
        ...

    async def cancel(self, job: ProviderJob) -> None:
        """Ask the provider to stop; a job that is already over is no error."""
        ...
