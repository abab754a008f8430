"""`POST /embeddings`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.types import Send

from services.api.body import read_object
from services.api.claims import Answer, claim_of
from services.api.dialects.openai.chat_mapping import estimated, measured
from services.api.dialects.openai.connection import WhileConnected, send_json
from services.api.dialects.openai.embedding_mapping import embeddings_body
from services.api.dialects.openai.embedding_schemas import EmbeddingCall, parse_embedding
from services.api.dialects.openai.errors import error_of
from services.api.dialects.openai.offers import Offers
from services.api.dialects.openai.orders import open_order
from services.api.parts import ApiParts
from services.api.request_log import note
from services.api.scopes import Scope
from shared.ids import Prefix
from shared.providers.base import EmbeddingDone
from shared.providers.capabilities import Kind
from shared.providers.errors import ErrorClass
from shared.routing.failures import failure_of
from shared.tasks.model import Attempt, Task, TaskFailure

MOST_BODY_BYTES = 8 * 1024 * 1024


def embedding_endpoints(parts: ApiParts, offers: Offers) -> APIRouter:
    """Credits are held before a provider is asked, and taken once it has answered."""
    router = APIRouter()

    @router.post("/embeddings")
    async def embed(request: Request) -> Response:
        owner = await parts.admit(request, Scope.EMBEDDINGS)
        content = await read_object(request, MOST_BODY_BYTES)
        claim = claim_of(request, "openai.embeddings", content)
        if (kept := await parts.idempotency.replay(owner, claim)) is not None:
            return kept
        call = parse_embedding(content)
        note(request, model=call.model)
        offered = offers.find(call.model, Kind.EMBEDDING)
        task = await open_order(parts, request, owner, offered, Prefix.EMBEDDING, claim)
        return WhileConnected(EmbeddingAnswer(parts, request, task, call).whole)

    return router


@dataclass(frozen=True, slots=True)
class EmbeddingAnswer:
    """The answer to one request whose credits are held."""

    parts: ApiParts
    request: Request
    task: Task
    call: EmbeddingCall

    async def whole(self, send: Send) -> None:
        """Raises what the task's failure is."""
        try:
            outcome = await self.parts.text.embed(self.task, self.call.texts)
        except asyncio.CancelledError:
            self._give_back((), failure_of(ErrorClass.CANCELLED))
            raise
        if outcome.failure is not None:
            self._give_back(outcome.attempts, outcome.failure)
            raise error_of(outcome.failure)
        if outcome.answer is not None:
            await self._deliver(outcome.answer, outcome.attempts, send)

    async def _deliver(self, answer: EmbeddingDone, attempts: Sequence[Attempt], send: Send) -> None:
        usage, characters = answer.usage, sum(map(len, self.call.inputs))
        tokens = measured(usage) if usage is not None else estimated(characters, 0)
        body = orjson.dumps(embeddings_body(self.call.model, answer.vectors, self.call.base64, tokens))
        try:
            await send_json(send, body)
        finally:
            self.parts.orders.answered(self.task, attempts, tokens, Answer(200, body))

    def _give_back(self, attempts: Sequence[Attempt], failure: TaskFailure) -> None:
        self.parts.orders.failed(self.task, attempts, failure)
        note(self.request, credits=0)
