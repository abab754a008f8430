"""Text calls with fail-over: the router's decisions, carried out at once while the client waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from services.api.text.course import Course, Step
from services.api.text.endings import BROKE, CANCELLED, as_ours, too_late
from services.api.text.health import RouteNotes
from services.api.text.requests import Conversation, Texts
from services.api.text.stream import TextStream
from shared.catalog.model import Catalog
from shared.clock import Clock
from shared.keyring import KeyRing, P, embedding_adapters, text_adapters
from shared.providers.base import ChatDone, EmbeddingDone, Failed
from shared.providers.registry import Adapters
from shared.tasks.model import Attempt, Task, TaskFailure

log = structlog.get_logger()

A = TypeVar("A", ChatDone, EmbeddingDone)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[A]):
    """How a call ended: with an answer or with a failure that is fit for the customer."""

    answer: A | None
    failure: TaskFailure | None
    attempts: tuple[Attempt, ...]
    """All of the task's, in order."""


class TextCalls:
    """Answers tasks of text models. It stores nothing: what becomes of a task is its caller's business."""

    def __init__(self, adapters: Adapters, health: RouteNotes, catalog: Catalog, clock: Clock) -> None:
        self._chats = KeyRing(text_adapters(adapters))
        self._embeddings = KeyRing(embedding_adapters(adapters))
        self._health = health
        self._catalog = catalog
        self._clock = clock

    async def chat(self, task: Task, conversation: Conversation) -> Outcome[ChatDone]:
        """The whole answer of the first route that gives one."""
        course = self._course(task, self._chats)
        return await _carry(course, lambda step: step.adapter.chat(conversation.request(step.attempt)))

    def stream(self, task: Task, conversation: Conversation) -> TextStream:
        """The same, as it comes."""
        return TextStream(self._course(task, self._chats), conversation)

    async def embed(self, task: Task, texts: Texts) -> Outcome[EmbeddingDone]:
        """The vectors of the first route that gives them."""
        course = self._course(task, self._embeddings)
        return await _carry(course, lambda step: step.adapter.embed(texts.request(step.attempt)))

    def _course(self, task: Task, keys: KeyRing[P]) -> Course[P]:
        return Course(task, keys, self._health, self._catalog, self._clock)


async def _carry(course: Course[P], call: Callable[[Step[P]], Awaitable[A | Failed]]) -> Outcome[A]:
    while True:
        step = await course.next()
        if isinstance(step, TaskFailure):
            return Outcome(None, step, course.task.attempts)
        try:
            answer = await _answer(course, step, call)
        except asyncio.CancelledError:
            await course.failed(CANCELLED)
            raise
        if not isinstance(answer, Failed):
            await course.worked(answer.usage)
            return Outcome(answer, None, course.task.attempts)
        await course.failed(answer)


async def _answer(
    course: Course[P], step: Step[P], call: Callable[[Step[P]], Awaitable[A | Failed]]
) -> A | Failed:
    by = step.attempt.soft_deadline_at
    try:
        async with asyncio.timeout(course.seconds_until(by)):
            answer = await call(step)
    except TimeoutError:
        return too_late(by, course.task)
    except Exception:
        log.exception("attempt broke", task_id=course.task.id)
        return BROKE
    return as_ours(answer, course.task, course.now()) if isinstance(answer, Failed) else answer
