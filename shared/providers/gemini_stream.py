"""A streamed chat answer of Gemini, event by event."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from shared.providers.base import ChatDelta, ChatEnd, Failed, TokenUsage
from shared.providers.errors import ErrorClass
from shared.providers.exchange import Broken, EventStream, Reply
from shared.providers.gemini_chat_answers import Chunk, finish_reason, openai_reason, read_chunk
from shared.providers.gemini_errors import answer_of, failure


async def read_stream(stream: EventStream) -> AsyncIterator[ChatDelta | ChatEnd | Failed]:
    """Ends with a `ChatEnd` or a `Failed`."""
    chat = StreamedChat(stream.headers)
    reason = "the provider's answer was cut off"
    async for event in stream.events():
        if isinstance(event, Broken):
            reason, event = event.reason, event.unfinished
            # What was cut off may be no more than the empty line after the last event.
            if Reply(200, stream.headers, event).json() is None:
                break
        found = chat.take(event)
        if found is not None:
            yield found
        if isinstance(found, ChatEnd | Failed):
            return
    yield chat.finish(reason)


class StreamedChat:
    """The events of one streamed answer, turned one by one.

    The stream may go on after the `finishReason`, so its end is told by `finish`. A refusal after something
    was delivered ends the answer as OpenAI does; before that it is a failure.
    """

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers
        self._begun = False
        self._calls = 0
        self._end: str | None = None
        self._usage: TokenUsage | None = None

    def take(self, data: bytes) -> ChatDelta | ChatEnd | Failed | None:
        """What an event says; None if it has nothing for the client. Nothing follows an end or failure."""
        reply = Reply(200, self._headers, data)
        answer = answer_of(reply)
        chunk = read_chunk(answer)
        self._usage = chunk.usage or self._usage
        if not answer or _is_over(answer, chunk):
            return self._broken_off(failure(reply))
        self._end = chunk.end or self._end
        return self._delta(chunk)

    def finish(self, reason: str) -> ChatEnd | Failed:
        """The body has ended or broken; `reason` is why that is too early, if it is."""
        if self._end is not None:
            return ChatEnd(openai_reason(self._end, self._calls > 0), self._usage)
        return Failed(ErrorClass.TRANSIENT, reason)

    def _broken_off(self, failed: Failed) -> ChatEnd | Failed:
        if self._begun and failed.error_class is ErrorClass.POLICY_REFUSAL:
            return ChatEnd("content_filter", self._usage)
        return failed

    def _delta(self, chunk: Chunk) -> ChatDelta | None:
        delta: dict[str, Any] = {}
        if chunk.text:
            delta["content"] = chunk.text
        if chunk.tool_calls:
            calls = enumerate(chunk.tool_calls, self._calls)
            delta["tool_calls"] = [{"index": index, **call} for index, call in calls]
            self._calls += len(chunk.tool_calls)
        if chunk.images:
            delta["images"] = list(chunk.images)
        if not delta:
            return None
        if not self._begun:
            delta = {"role": "assistant", **delta}
        self._begun = True
        return ChatDelta(delta)


def _is_over(answer: dict[str, Any], chunk: Chunk) -> bool:
    """Whether an event ends the stream in another way than properly."""
    if chunk.end is not None:
        return False
    feedback = answer.get("promptFeedback")
    blocked = isinstance(feedback, dict) and bool(feedback.get("blockReason"))
    return "error" in answer or blocked or finish_reason(answer) is not None
