"""One streamed answer, whichever route gives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Self

import structlog

from services.api.text.course import Course, Step
from services.api.text.endings import BROKE, CANCELLED, CUT_OFF, as_ours, broke_off, carries_content, too_late
from services.api.text.requests import Conversation
from shared.providers.base import ChatDelta, ChatEnd, Failed, TextProvider
from shared.tasks.model import Attempt, TaskFailure

log = structlog.get_logger()

Event = ChatDelta | ChatEnd | TaskFailure


class TextStream:
    """The events of one answer as they come; the last is a `ChatEnd` or a `TaskFailure`.

    A `TaskFailure` that comes first means that no route answered; a later one, that the answer broke off: an
    answer that has begun is never begun again elsewhere. Close it (`contextlib.aclosing`) to end the call at
    the provider when the client goes away.
    """

    def __init__(self, course: Course[TextProvider], conversation: Conversation) -> None:
        self.end: ChatEnd | None = None
        """The proper end, once it has come."""
        self.failure: TaskFailure | None = None
        """Why there is none."""
        self._course = course
        self._conversation = conversation
        self._events = self._run()

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """All of the task's; complete once the stream has ended or is closed."""
        return self._course.task.attempts

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        return await anext(self._events)

    async def aclose(self) -> None:
        await self._events.aclose()

    async def _run(self) -> AsyncGenerator[Event, None]:
        while True:
            step = await self._course.next()
            if isinstance(step, TaskFailure):
                self.failure = step
                yield step
                return
            ending: ChatEnd | Failed = CUT_OFF
            begun = False
            try:
                async with aclosing(self._answer(step)) as answer:
                    async for event in answer:
                        if not isinstance(event, ChatDelta):
                            ending = event
                            break
                        begun = True
                        yield event
            except (GeneratorExit, asyncio.CancelledError):
                await self._course.failed(CANCELLED)
                raise
            if isinstance(ending, ChatEnd):
                self.end = ending
                await self._course.worked(ending.usage)
                yield ending
                return
            await self._course.failed(ending)
            if begun:
                self.failure = broke_off(ending, self._course.revealed)
                yield self.failure
                return

    async def _answer(self, step: Step[TextProvider]) -> AsyncGenerator[ChatDelta | ChatEnd | Failed, None]:
        """What one route says, from the first event that is a part of the answer, within its time.

        The soft deadline is for the beginning; an answer that has begun may take the task's whole time.
        """
        begun = False
        held = ChatDelta({})
        async with aclosing(step.adapter.stream(self._conversation.request(step.attempt))) as events:
            while True:
                event = await self._next(events, step.attempt, begun)
                if isinstance(event, ChatDelta) and not begun:
                    held = ChatDelta({**held.delta, **event.delta})
                    begun = carries_content(event)
                    if begun:
                        yield held
                    continue
                if isinstance(event, ChatEnd) and not begun and held.delta:
                    yield held
                yield event
                if not isinstance(event, ChatDelta):
                    return

    async def _next(
        self, events: AsyncGenerator[ChatDelta | ChatEnd | Failed, None], attempt: Attempt, begun: bool
    ) -> ChatDelta | ChatEnd | Failed:
        task = self._course.task
        by = task.deadline_at if begun else attempt.soft_deadline_at
        seconds = self._course.seconds_until(by)
        if seconds <= 0:
            # What is ready already would get past a time-out.
            return too_late(by, task)
        try:
            async with asyncio.timeout(seconds):
                event = await anext(events, CUT_OFF)
        except TimeoutError:
            return too_late(by, task)
        except Exception:
            log.exception("attempt broke", task_id=task.id)
            return BROKE
        return as_ours(event, task, self._course.now()) if isinstance(event, Failed) else event
