"""OpenAI's embeddings on the wire. Pure. Source: platform.openai.com/docs, "Embeddings"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shared.providers.base import EmbeddingDone, EmbeddingRequest, Failed
from shared.providers.chat_completions import read_usage
from shared.providers.errors import ErrorClass

_UNUSABLE: Final = Failed(ErrorClass.TRANSIENT, "The provider's answer does not hold one vector per input.")


def embedding_body(request: EmbeddingRequest) -> dict[str, Any]:
    """Task type and title have no counterpart; the route's options win over everything else."""
    body: dict[str, Any] = {
        "model": request.upstream_model,
        "input": list(request.inputs),
        "encoding_format": "float",
    }
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    return {**body, **request.options}


def read_embeddings(body: Mapping[str, Any], inputs: int) -> EmbeddingDone | Failed:
    """`{"data": [{"index": 0, "embedding": [0.1, …]}], "usage": {…}}`, the vectors in any order."""
    try:
        found = {item["index"]: _vector(item["embedding"]) for item in body["data"]}
        vectors = tuple(found[index] for index in range(inputs))
    except (KeyError, TypeError, ValueError):
        return _UNUSABLE
    if len(body["data"]) != inputs:
        return _UNUSABLE
    return EmbeddingDone(vectors, read_usage(body.get("usage")))


def _vector(value: object) -> tuple[float, ...]:
    if not (isinstance(value, list) and value):
        raise ValueError("not a list of numbers")
    return tuple(map(float, value))
