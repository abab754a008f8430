"""`POST /embeddings` as OpenAI lays it down and others repeat it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.simulator.chat import BadRequest
from deploy.simulator.text import tokens_of
from deploy.simulator.vectors import MOST_DIMENSIONS, packed, vector

_MOST_INPUTS = 2048
_USUAL_DIMENSIONS = 1536
_LARGE_DIMENSIONS = 3072


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    model: str
    texts: list[str]
    dimensions: int
    in_base64: bool


def read_embedding(body: Mapping[str, Any]) -> EmbeddingRequest:
    """Understand the body. Raises BadRequest."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise BadRequest("model", "you must provide a model parameter", None)
    encoding = body.get("encoding_format", "float")
    if encoding not in ("float", "base64"):
        raise BadRequest("encoding_format", f"Invalid value: '{encoding}'.")
    usual = _LARGE_DIMENSIONS if "large" in model else _USUAL_DIMENSIONS
    dimensions = usual if body.get("dimensions") is None else body["dimensions"]
    if not isinstance(dimensions, int) or not 1 <= dimensions <= MOST_DIMENSIONS:
        raise BadRequest("dimensions", f"Invalid value for 'dimensions' = {dimensions}.")
    return EmbeddingRequest(model, _texts(body.get("input")), dimensions, encoding == "base64")


def texts_of(body: Mapping[str, Any]) -> str:
    """What rules look at."""
    given = body.get("input")
    if isinstance(given, str):
        return given
    return "\n".join(text for text in given if isinstance(text, str)) if isinstance(given, list) else ""


def _texts(given: Any) -> list[str]:
    """The texts; token ids count as a text of their own."""
    if isinstance(given, str):
        given = [given]
    if isinstance(given, list) and given and all(isinstance(item, int) for item in given):
        given = [given]
    if not isinstance(given, list) or not given:
        raise BadRequest("input", "'$.input' is invalid. Please check the API reference.", None)
    if len(given) > _MOST_INPUTS:
        raise BadRequest("input", f"Invalid 'input': array too long, the most is {_MOST_INPUTS}.")
    texts = [" ".join(map(str, item)) if isinstance(item, list) else item for item in given]
    if not all(isinstance(text, str) and text for text in texts):
        raise BadRequest("input", "Invalid 'input': input cannot be an empty string.", None)
    return texts


def embedded(asked: EmbeddingRequest) -> tuple[dict[str, Any], int]:
    """The body of the answer without its usage, and how many tokens went in."""
    make = packed if asked.in_base64 else vector
    data = [
        {"object": "embedding", "index": index, "embedding": make(text, asked.dimensions)}
        for index, text in enumerate(asked.texts)
    ]
    return {"object": "list", "data": data, "model": asked.model}, sum(map(tokens_of, asked.texts))
