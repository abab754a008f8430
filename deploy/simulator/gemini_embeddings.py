"""Requests for embeddings to Gemini."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploy.simulator.gemini_problems import BadRequest
from deploy.simulator.gemini_requests import field, objects, texts_in
from deploy.simulator.vectors import MOST_DIMENSIONS

_MOST_BATCH = 100
_USUAL_DIMENSIONS = 3072


def texts_of(requests: Any) -> str:
    """What rules look at."""
    return "\n".join(map(_text, objects(requests)))


def read_embeddings(requests: Any) -> list[tuple[str, int]]:
    """Each text with the length of vector it wants. Raises BadRequest."""
    found = objects(requests)
    if not 1 <= len(found) <= _MOST_BATCH:
        raise BadRequest(f"* BatchEmbedContentsRequest.requests: from 1 to {_MOST_BATCH} fit into one batch")
    return [_embedding(item) for item in found]


def _embedding(item: Mapping[str, Any]) -> tuple[str, int]:
    text = _text(item)
    if not text:
        raise BadRequest("* EmbedContentRequest.content: contents is not specified")
    dimensions = field(item, "outputDimensionality") or _USUAL_DIMENSIONS
    if not isinstance(dimensions, int) or not 1 <= dimensions <= MOST_DIMENSIONS:
        raise BadRequest("* EmbedContentRequest.output_dimensionality: out of range")
    if item.get("title") and field(item, "taskType") != "RETRIEVAL_DOCUMENT":
        raise BadRequest("The `title` is only allowed with task type RETRIEVAL_DOCUMENT")
    return text, dimensions


def _text(item: Mapping[str, Any]) -> str:
    content = item.get("content")
    return "\n".join(texts_in(content)) if isinstance(content, Mapping) else ""
