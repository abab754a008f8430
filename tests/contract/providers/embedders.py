"""Every provider that turns texts into vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from shared.providers.base import EmbeddingRequest


@dataclass(frozen=True, slots=True)
class Embedder:
    """`counts`: its answers say how many tokens went in."""

    provider: str
    model: str
    dimensions: int
    """Of its vectors, if nothing else is asked for."""
    counts: bool = True
    tells_cost: bool = False

    def request(self, *inputs: str, **values: Any) -> EmbeddingRequest:
        return EmbeddingRequest(self.model, inputs, **values)


EMBEDDERS: Final = (
    Embedder("gemini", "gemini-embedding-001", 3072, counts=False),
    Embedder("openai", "text-embedding-3-small", 1536),
    Embedder("openrouter", "openai/text-embedding-3-small", 1536, tells_cost=True),
)
