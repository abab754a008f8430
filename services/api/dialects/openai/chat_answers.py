"""Carrying out one chat: whole or streamed, and settled whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import Request
from starlette.types import Send

from services.api.claims import Answer
from services.api.dialects.openai.chat_mapping import (
    Chunks,
    answer_length,
    completion_body,
    estimated,
    measured,
    usage_body,
)
from services.api.dialects.openai.chat_schemas import ChatCall
from services.api.dialects.openai.connection import DONE, EVENTS, EventStream, send_json
from services.api.dialects.openai.errors import error_body, error_of
from services.api.dialects.openai.messages import text_length
from services.api.parts import ApiParts
from services.api.request_log import note
from services.api.text.stream import TextStream
from shared.killpoints import KillPoints
from shared.providers.base import ChatDelta, ChatDone, TokenUsage
from shared.providers.errors import ErrorClass
from shared.routing.failures import failure_of
from shared.tasks.model import Attempt, Task, TaskFailure, Tokens


@dataclass(slots=True)
class Told:
    """What the client of a stream has got so far."""

    begun: bool = False
    characters: int = 0


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """The answer to one chat whose credits are held."""

    parts: ApiParts
    request: Request
    task: Task
    call: ChatCall
    killpoints: KillPoints

    async def whole(self, send: Send) -> None:
        """Raises what the task's failure is."""
        try:
            outcome = await self.parts.text.chat(self.task, self.call.conversation)
        except asyncio.CancelledError:
            self._give_back((), failure_of(ErrorClass.CANCELLED))
            raise
        if outcome.failure is not None:
            self._give_back(outcome.attempts, outcome.failure)
            raise error_of(outcome.failure)
        if outcome.answer is not None:
            await self._deliver(outcome.answer, outcome.attempts, send)

    async def _deliver(self, answer: ChatDone, attempts: Sequence[Attempt], send: Send) -> None:
        tokens = self._tokens(answer.usage, answer_length(answer.message))
        usage = _usage(tokens, answer.usage)
        body = orjson.dumps(completion_body(self.task, answer.message, answer.finish_reason, usage))
        try:
            await send_json(send, body)
        finally:
            self.parts.orders.answered(self.task, attempts, tokens, Answer(200, body))

    async def streamed(self, send: Send) -> None:
        """Raises what the task's failure is, unless a part of the answer has been sent."""
        stream = self.parts.text.stream(self.task, self.call.conversation)
        events, told = EventStream(send, keep=self.task.idempotency is not None), Told()
        try:
            async with aclosing(stream):
                await self._tell(stream, events, told)
        finally:
            self._settle(stream, told, events.sent)

    async def _tell(self, stream: TextStream, events: EventStream, told: Told) -> None:
        chunks = Chunks(self.task, self.call.include_usage)
        async for event in stream:
            if isinstance(event, ChatDelta):
                told.begun = True
                told.characters += answer_length(event.delta)
                await events.send(chunks.piece(event.delta))
                self.killpoints.reach("api.text_in_stream")
            elif isinstance(event, TaskFailure):
                if not told.begun:
                    raise error_of(event)
                await events.send(error_body(error_of(event)))
                await events.close()
            else:
                await events.send(chunks.end(event.finish_reason))
                if self.call.include_usage:
                    tokens = self._tokens(event.usage, told.characters)
                    await events.send(chunks.usage(_usage(tokens, event.usage)))
                await events.done()

    def _settle(self, stream: TextStream, told: Told, sent: bytearray) -> None:
        """A provider's failure costs nothing; a client that leaves pays for what it has read."""
        if stream.failure is not None:
            self._give_back(stream.attempts, stream.failure)
        elif stream.end is not None or told.begun:
            usage = stream.end.usage if stream.end is not None else None
            tokens = self._tokens(usage, told.characters)
            whole = Answer(200, bytes(sent), EVENTS) if sent.endswith(DONE) else None
            self.parts.orders.answered(self.task, stream.attempts, tokens, whole)
        else:
            self._give_back(stream.attempts, failure_of(ErrorClass.CANCELLED))

    def _give_back(self, attempts: Sequence[Attempt], failure: TaskFailure) -> None:
        self.parts.orders.failed(self.task, attempts, failure)
        note(self.request, credits=0)

    def _tokens(self, usage: TokenUsage | None, characters: int) -> Tokens:
        if usage is not None:
            return measured(usage)
        return estimated(text_length(self.call.messages), characters)


def _usage(tokens: Tokens, usage: TokenUsage | None) -> dict[str, Any]:
    return usage_body(tokens, usage.reasoning_tokens if usage is not None else 0)
