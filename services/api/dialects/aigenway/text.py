"""Carrying out one text method while its client waits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from starlette.types import Send

from services.api.claims import Answer
from services.api.dialects.aigenway.answers import (
    Result,
    chat_tokens,
    embedding_result,
    embedding_tokens,
    refusal_of,
    text_result,
    with_meta,
)
from services.api.dialects.aigenway.conversations import TextCall
from services.api.dialects.aigenway.errors import CallFailed
from services.api.dialects.openai.connection import send_json
from services.api.parts import ApiParts
from services.api.text.requests import Texts
from shared.providers.errors import ErrorClass
from shared.routing.failures import failure_of
from shared.tasks.model import Attempt, Task, TaskFailure, Tokens


@dataclass(frozen=True, slots=True)
class Given:
    """A usable answer."""

    result: Result
    tokens: Tokens
    attempts: Sequence[Attempt]


@dataclass(frozen=True, slots=True)
class SyncAnswer:
    """The answer to one text method whose money is held."""

    parts: ApiParts
    task: Task
    text: TextCall | Texts

    async def send(self, send: Send) -> None:
        """Raises CallFailed."""
        try:
            given = await (
                self._chat(self.text) if isinstance(self.text, TextCall) else self._embed(self.text)
            )
        except asyncio.CancelledError:
            self.parts.orders.failed(self.task, (), failure_of(ErrorClass.CANCELLED))
            raise
        told = {"task_id": self.task.id, "status": "SUCCEEDED", "result": given.result}
        body = orjson.dumps(with_meta(told, given.result))
        try:
            await send_json(send, body)
        finally:
            self.parts.orders.answered(
                self.task,
                given.attempts,
                given.tokens,
                Answer(200, body),
                orjson.dumps(given.result),
            )

    async def _chat(self, call: TextCall) -> Given:
        outcome = await self.parts.text.chat(self.task, call.conversation)
        done = outcome.answer
        failure = outcome.failure or (refusal_of(call, done) if done is not None else None)
        if done is None or failure is not None:
            raise self._failed(outcome.attempts, failure)
        tokens = chat_tokens(call, done)
        return Given(text_result(self._model, done, tokens), tokens, outcome.attempts)

    async def _embed(self, texts: Texts) -> Given:
        outcome = await self.parts.text.embed(self.task, texts)
        done = outcome.answer
        if done is None:
            raise self._failed(outcome.attempts, outcome.failure)
        tokens = embedding_tokens(sum(map(len, texts.inputs)), done)
        return Given(embedding_result(self._model, done, tokens), tokens, outcome.attempts)

    def _failed(self, attempts: Sequence[Attempt], failure: TaskFailure | None) -> CallFailed:
        known = failure or failure_of(None)
        self.parts.orders.failed(self.task, attempts, known)
        return CallFailed(known, self.task.id)

    @property
    def _model(self) -> str:
        return self.task.public_model or self.task.model
