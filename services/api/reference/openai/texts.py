"""Chats and embeddings."""

from __future__ import annotations

from collections.abc import Sequence

from services.api.dialects.openai.errors import (
    ContentPolicyViolation,
    MessagesRequired,
    ModelNotAvailable,
    ModelRequired,
    ProviderError,
    ProviderNotConfigured,
)
from services.api.errors import InvalidField, ServiceUnavailable
from services.api.idempotency import AnswerNotKept
from services.api.reference.model import EVENTS, Answer, Content, Operation, Problem
from services.api.reference.openai import examples
from services.api.reference.schema import Schema, ref, text
from services.api.scopes import Scope
from shared.ledger.refusals import InsufficientBalance

PAID = (
    Problem(ModelRequired(), "`model` is missing"),
    Problem(ModelNotAvailable(), "there is no such model for this kind of request"),
    Problem(InsufficientBalance(), "the balance, or a spend cap, does not cover the request"),
    Problem(ServiceUnavailable(), "the request was cut off; what it held is given back"),
)
_ANSWERED = (
    Problem(AnswerNotKept(), "the answer to this `Idempotency-Key` was too large to be kept"),
    Problem(ContentPolicyViolation(), "the provider refuses such content"),
    Problem(ProviderNotConfigured(), "the model has no provider at the moment"),
    Problem(ProviderError(), "no provider could answer"),
)


def chat(models: Sequence[str]) -> Operation:
    """`models` are those that can chat."""
    return Operation(
        method="POST",
        path="/api/v1/chat/completions",
        name="createChatCompletion",
        summary="Answer a chat, whole or as a stream",
        description="With `stream` each event is a chunk and the last one is `[DONE]`. When the answer "
        "breaks off, an event with an `error` is the last one and nothing is charged. A client that leaves "
        "pays for an answer that has begun.",
        scope=Scope.CHAT,
        idempotent=True,
        body=Content(ref("ChatRequest"), examples.chats(models[0] if models else "openai/gpt-5")),
        answers=(
            Answer(
                200,
                "The answer.",
                (
                    Content(ref("Completion"), {"Whole": examples.COMPLETION}),
                    Content(_event(), {"Streamed": examples.STREAM}, EVENTS),
                ),
            ),
        ),
        problems=(
            Problem(MessagesRequired(), "`messages` is missing or empty"),
            Problem(
                InvalidField("temperature must be at most 2"), "a field is wrong; the message names each"
            ),
            *PAID,
            *_ANSWERED,
        ),
    )


def embeddings(models: Sequence[str]) -> Operation:
    """`models` are those that make vectors."""
    model = models[0] if models else "openai/text-embedding-3-small"
    return Operation(
        method="POST",
        path="/api/v1/embeddings",
        name="createEmbedding",
        summary="Turn texts into vectors",
        scope=Scope.EMBEDDINGS,
        idempotent=True,
        body=Content(
            ref("EmbeddingRequest"),
            {
                "One text": {"model": model, "input": "A hen reading a newspaper"},
                "Several": {"model": model, "input": ["A hen", "A road"], "encoding_format": "base64"},
            },
        ),
        answers=(
            Answer(
                200, "One vector for each text.", (Content(ref("Embeddings"), {"One": examples.EMBEDDINGS}),)
            ),
        ),
        problems=(
            Problem(InvalidField("input is required: a string, or an array of strings"), "a field is wrong"),
            *PAID,
            *_ANSWERED,
        ),
    )


def _event() -> Schema:
    """Of a stream, the schema describes one event."""
    chunk = {"anyOf": [ref("CompletionChunk"), ref("Error")]}
    embedded = text(contentMediaType="application/json", contentSchema=chunk)
    return {
        "type": "object",
        "properties": {"data": {"anyOf": [text(const="[DONE]"), embedded]}},
        "required": ["data"],
    }
