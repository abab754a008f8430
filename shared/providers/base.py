"""What every provider adapter is given and gives back.

An adapter turns a request into HTTP calls of one provider, made with one key, and the provider's answers into
the values below. It knows nothing of tasks, MongoDB or RabbitMQ, never raises for what a provider does wrong
(that is a `Failed`), and never sends its key to a host that an answer names.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, Protocol, runtime_checkable

from shared.providers.capabilities import Kind
from shared.providers.errors import ErrorClass


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """Images or videos to make with one upstream model."""

    upstream_model: str
    prompt: str
    negative_prompt: str | None = None
    aspect_ratio: str | None = None
    num_outputs: int = 1
    resolution: str | None = None
    """`1K`, `2K`, `4K` or None for the provider's default."""
    image_urls: tuple[str, ...] = ()
    """Not empty: edit these images, or begin the video with the first."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Route options from the catalog, in the provider's own field names."""
    kind: Kind = Kind.IMAGE
    duration_seconds: int | None = None
    """Of a video."""
    quality: str | None = None
    """low, medium or high, for models that can be asked for one."""
    background: str | None = None
    """transparent or opaque, likewise."""
    mask_url: str | None = None
    """A PNG that is transparent where the first input image may be changed."""
    callback_url: str | None = None
    """Where the provider may tell that the job is over; only a hint."""
    time_limit: timedelta | None = None
    """For providers that answer with the outputs: how long this attempt may take."""


@dataclass(frozen=True, slots=True)
class ProviderJob:
    """A job that a provider took. Plain data: it is stored with the attempt and survives the process."""

    ids: tuple[str, ...]
    """More than one where the provider makes one output per call."""
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
    unaccounted: int = 0
    """Calls of this submission whose outcome is unknown: jobs may run that `job` does not name."""


@dataclass(frozen=True, slots=True)
class Running:
    """Not finished."""

    queue_position: int | None = None
    note: str | None = None
    """Why this poll told nothing, if it did not (for the log)."""
    ready: tuple[Output, ...] = ()
    """What is finished of a job of several parts…"""
    ready_cost_nano: int | None = None
    """…and what the provider says that these parts cost, with those that have failed; likewise…"""
    ready_metered: Decimal | None = None
    """…what it counted."""


@dataclass(frozen=True, slots=True)
class Done:
    """Finished with at least one output."""

    outputs: tuple[Output, ...]
    cost_nano: int | None = None
    """What the provider says it charged us, in nano-USD."""
    unaccounted: int = 0
    """As in `Accepted`."""
    metered: Decimal | None = None
    """What the provider says it counted, in its own unit, where it tells no money."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The call is over without output."""

    error_class: ErrorClass
    message: str
    """Short text, stripped of markup, hosts and keys."""
    retry_after: timedelta | None = None
    cost_nano: int | None = None
    """As in `Done`: some failures are charged too."""
    metered: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A conversation to continue, in the shape of OpenAI's chat completions."""

    upstream_model: str
    messages: tuple[Mapping[str, Any], ...]
    """`{"role": system|developer|user|assistant|tool, "content": text or parts, …}`."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """By OpenAI's names: temperature, top_p, top_k, max_tokens, stop, seed, presence_penalty,
    frequency_penalty, tools, tool_choice, response_format, user."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Route options from the catalog, in the provider's own field names."""


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """What a text call took, as the provider measured it."""

    input_tokens: int
    output_tokens: int
    """With `reasoning_tokens`."""
    cached_input_tokens: int = 0
    reasoning_tokens: int = 0
    cost_nano: int | None = None
    """What the provider says it charged us, in nano-USD."""


@dataclass(frozen=True, slots=True)
class ChatDone:
    """A whole answer."""

    message: Mapping[str, Any]
    """OpenAI's assistant message: role, content, tool_calls, refusal, images."""
    finish_reason: str
    """stop, length, tool_calls or content_filter."""
    usage: TokenUsage | None


@dataclass(frozen=True, slots=True)
class ChatDelta:
    """A piece of an answer."""

    delta: Mapping[str, Any]
    """OpenAI's delta: role, content, tool_calls with `index`, refusal, images."""


@dataclass(frozen=True, slots=True)
class ChatEnd:
    """A streamed answer came to its proper end."""

    finish_reason: str
    usage: TokenUsage | None


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """Texts to turn into vectors."""

    upstream_model: str
    inputs: tuple[str, ...]
    dimensions: int | None = None
    task_type: str | None = None
    """One of Gemini's words, such as RETRIEVAL_DOCUMENT; others ignore it."""
    title: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EmbeddingDone:
    """One vector per input, in order."""

    vectors: tuple[tuple[float, ...], ...]
    usage: TokenUsage | None


@runtime_checkable
class MediaProvider(Protocol):
    """Makes images or videos."""

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


@runtime_checkable
class TextProvider(Protocol):
    """Continues conversations."""

    name: str

    async def chat(self, request: ChatRequest) -> ChatDone | Failed:
        """The whole answer. Nothing runs on after a failure, so none is ambiguous."""
        ...

    def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta | ChatEnd | Failed, None]:
        """The answer as it comes; the last event is a `ChatEnd` or a `Failed`.

        Closing the iterator ends the call at the provider.
        """
        ...


@runtime_checkable
class EmbeddingProvider(Protocol):
    """Turns texts into vectors."""

    name: str

    async def embed(self, request: EmbeddingRequest) -> EmbeddingDone | Failed:
        """All vectors or a failure."""
        ...


Provider = MediaProvider | TextProvider | EmbeddingProvider
