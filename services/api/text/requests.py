"""What a client asks of a text model, before it is known which route answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.providers.base import ChatRequest, EmbeddingRequest
from shared.tasks.model import Attempt


@dataclass(frozen=True, slots=True)
class Conversation:
    """A chat to continue; shapes and names as in `ChatRequest`."""

    messages: tuple[Mapping[str, Any], ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def request(self, attempt: Attempt) -> ChatRequest:
        return ChatRequest(attempt.upstream_model, self.messages, self.parameters, attempt.options)


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts to embed; meanings as in `EmbeddingRequest`."""

    inputs: tuple[str, ...]
    dimensions: int | None = None
    task_type: str | None = None
    title: str | None = None

    def request(self, attempt: Attempt) -> EmbeddingRequest:
        return EmbeddingRequest(
            attempt.upstream_model, self.inputs, self.dimensions, self.task_type, self.title, attempt.options
        )
