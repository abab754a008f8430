"""Reading Gemini's answers to image and embedding calls. Source: ai.google.dev/api, "GenerateContent"."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Sequence
from typing import Any

import structlog

from shared.providers.base import Done, EmbeddingDone, Failed, Output
from shared.providers.errors import ErrorClass
from shared.providers.exchange import NoReply, Reply
from shared.providers.gemini_errors import answer_of, dicts, failure, unreadable
from shared.providers.several import most_telling

log = structlog.get_logger()


def read_images(reply: Reply | NoReply) -> tuple[Output, ...] | Failed:
    """The images of one call. If none came, why: an answer that got lost or broke may have been charged."""
    if isinstance(reply, NoReply):
        return reply.failed_submit()
    images = tuple(
        Output(data=data, content_type=content_type)
        for part in parts_of(answer_of(reply))
        if (image := inline_image(part)) is not None
        for content_type, data in [image]
    )
    if not images and reply.accepted and unreadable(reply):
        return Failed(ErrorClass.SUBMIT_AMBIGUOUS, "The provider's answer cannot be read.")
    return images or failure(reply)


def settle(results: Sequence[tuple[Output, ...] | Failed]) -> Done | Failed:
    """One result of the calls of a submission: what came, even if fewer, else the most telling failure."""
    failures = [result for result in results if isinstance(result, Failed)]
    outputs = tuple(output for result in results if not isinstance(result, Failed) for output in result)
    if not outputs:
        return most_telling(failures)
    unknown = [failed for failed in failures if failed.error_class is ErrorClass.SUBMIT_AMBIGUOUS]
    if failures:
        log.warning(
            "fewer images than asked",
            provider="gemini",
            failed_calls=len(failures),
            asked=len(results),
            error_classes=sorted({failed.error_class.value for failed in failures}),
        )
    return Done(outputs, unaccounted=len(unknown))


def parts_of(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of the first candidate that belong to the answer: thoughts are interim and left out."""
    for candidate in dicts(answer.get("candidates"))[:1]:
        content = candidate.get("content")
        parts = dicts(content.get("parts") if isinstance(content, dict) else None)
        return [part for part in parts if part.get("thought") is not True]
    return []


def inline_image(part: dict[str, Any]) -> tuple[str, bytes] | None:
    """Content type and bytes of a part that carries a file."""
    inline = part.get("inlineData")
    if not isinstance(inline, dict):
        return None
    content_type, encoded = inline.get("mimeType"), inline.get("data")
    if not (isinstance(content_type, str) and isinstance(encoded, str)):
        return None
    try:
        data = b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    return (content_type, data) if data else None


def read_vectors(reply: Reply | NoReply, asked: int) -> tuple[tuple[float, ...], ...] | Failed:
    """The vectors of one batch: one for each text, or a failure."""
    if isinstance(reply, NoReply):
        return reply.failed_call()
    found = answer_of(reply).get("embeddings")
    if not reply.accepted or found is None:
        return failure(reply)
    vectors = [_vector(embedding.get("values")) for embedding in dicts(found)]
    if len(vectors) != asked or not all(vectors):
        return Failed(ErrorClass.TRANSIENT, "The provider's answer lacks vectors.")
    return tuple(vectors)


def join_vectors(batches: Sequence[tuple[tuple[float, ...], ...] | Failed]) -> EmbeddingDone | Failed:
    """All batches in order. Gemini does not say reliably how many tokens they were."""
    failures = [batch for batch in batches if isinstance(batch, Failed)]
    if failures:
        return most_telling(failures)
    vectors = tuple(vector for batch in batches if not isinstance(batch, Failed) for vector in batch)
    return EmbeddingDone(vectors, usage=None)


def _vector(values: object) -> tuple[float, ...]:
    """Empty if this is no list of numbers."""
    if not isinstance(values, list) or not all(type(value) in (int, float) for value in values):
        return ()
    return tuple(map(float, values))
