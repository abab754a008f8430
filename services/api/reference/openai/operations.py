"""The OpenAI-style dialect's endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.api.errors import InvalidField
from services.api.reference.model import Answer, Content, Dialect, Operation, Problem
from services.api.reference.openai import examples
from services.api.reference.openai.chat_schemas import chat_schemas
from services.api.reference.openai.images import image_operations
from services.api.reference.openai.schemas import embedding_schemas, image_schemas, log_schemas, model_schemas
from services.api.reference.openai.texts import chat, embeddings
from services.api.reference.parameters import query
from services.api.reference.schema import ref, text, whole
from services.api.scopes import Scope

ABOUT = (
    "Use any OpenAI client with the base address `/api/v1`. Chats and embeddings are answered in the "
    "request, images by tasks: ask, get the task's id, then poll it.",
    "Models cost whole credits per request or image. The credits are held before a provider is asked and "
    "taken when it has answered; a request that fails costs nothing.",
    'Every error is `{"error": {"message": …, "type": …, "code": …}}`. Where the same request would fail '
    "again, the header `x-should-retry: false` keeps OpenAI's clients from repeating it.",
)


@dataclass(frozen=True, slots=True)
class OfferedModels:
    """The models of the catalog, by what they make."""

    chat: Sequence[str]
    image: Sequence[str]
    embedding: Sequence[str]


def openai(models: OfferedModels) -> Dialect:
    """The whole dialect."""
    return Dialect(
        name="openai",
        title="Hatchery: OpenAI-style dialect",
        summary="Chats, embeddings and images under /api/v1, as OpenAI's clients ask for them.",
        about=ABOUT,
        operations=(
            _models(),
            chat(models.chat),
            embeddings(models.embedding),
            *image_operations(models.image),
            _logs(),
        ),
        schemas={
            **model_schemas(),
            **chat_schemas(models.chat),
            **image_schemas(models.image),
            **embedding_schemas(models.embedding),
            **log_schemas(),
        },
    )


def _models() -> Operation:
    listed = Content(ref("ModelList"), {"One model": examples.MODELS})
    return Operation(
        method="GET",
        path="/api/v1/models",
        name="listModels",
        summary="List the models and what they cost",
        scope=Scope.MODELS_READ,
        answers=(Answer(200, "All models.", (listed,)),),
    )


def _logs() -> Operation:
    moment = text(examples=["2026-11-20T09:15:00Z"])
    return Operation(
        method="GET",
        path="/api/v1/logs",
        name="listRequests",
        summary="List your requests, newest first",
        description="Entries appear a second or two after their requests and are kept for thirty days.",
        scope=Scope.TASKS_READ,
        parameters=(
            query("limit", "Entries of a page.", whole(minimum=1, maximum=100, default=20)),
            query(
                "cursor",
                "The `next_cursor` of an earlier answer.",
                text(pattern="^log_[0-9a-hjkmnp-tv-z]{26}$"),
            ),
            query("model", "Only of this model.", text(maxLength=100)),
            query("key_id", "Only of this key.", text(maxLength=100)),
            query("status", "Only with this status.", whole(minimum=100, maximum=599)),
            query("from", "From this time on.", moment),
            query("to", "Before this time.", moment),
        ),
        answers=(Answer(200, "A page of entries.", (Content(ref("LogPage"), {"None": examples.LOGS}),)),),
        problems=(
            Problem(InvalidField("limit must be a whole number between 1 and 100"), "a parameter is wrong"),
        ),
    )
