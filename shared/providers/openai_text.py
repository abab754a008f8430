"""Chats, streams and embeddings over an API of OpenAI's shape."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Final

from shared.providers.base import (
    ChatDelta,
    ChatDone,
    ChatEnd,
    ChatRequest,
    EmbeddingDone,
    EmbeddingRequest,
    Failed,
)
from shared.providers.chat_completions import (
    DONE,
    ChunkFault,
    ChunkReader,
    chat_body,
    read_completion,
    stated_error,
    streamed,
)
from shared.providers.errors import ErrorClass
from shared.providers.exchange import Broken, EventStream, NoReply, ProviderClient, Reply
from shared.providers.openai_embeddings import embedding_body, read_embeddings

MOST_BYTES: Final = 64 * 1024 * 1024
"""Answers carry pictures in base64 and long lists of numbers."""

_CUT_OFF: Final = Failed(ErrorClass.TRANSIENT, "The provider's answer was cut off.")
_MALFORMED: Final = Failed(ErrorClass.TRANSIENT, "The provider's answer is not a chat completion.")


class TextCalls:
    """`POST /chat/completions` and `POST /embeddings` below a base URL.

    `failure` reads answers that tell of a failure; `body` makes the body of a chat.
    """

    def __init__(
        self,
        client: ProviderClient,
        failure: Callable[[Reply], Failed],
        body: Callable[[ChatRequest], dict[str, Any]] = chat_body,
    ) -> None:
        self._client = client
        self._failure = failure
        self._body = body
        self._chats = f"{client.base_url}/chat/completions"
        self._embeddings = f"{client.base_url}/embeddings"

    async def chat(self, request: ChatRequest) -> ChatDone | Failed:
        answer = await self._post(self._chats, self._body(request))
        if isinstance(answer, Failed):
            return answer
        return read_completion(answer) or _MALFORMED

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta | ChatEnd | Failed, None]:
        async with self._client.open_stream(self._chats, streamed(self._body(request))) as opened:
            if isinstance(opened, NoReply):
                yield opened.failed_call()
                return
            if isinstance(opened, Reply):
                yield self._no_stream(opened)
                return
            async with aclosing(self._answer(opened)) as answer:
                async for event in answer:
                    yield event

    async def embed(self, request: EmbeddingRequest) -> EmbeddingDone | Failed:
        answer = await self._post(self._embeddings, embedding_body(request))
        if isinstance(answer, Failed):
            return answer
        return read_embeddings(answer, len(request.inputs))

    async def _post(self, url: str, body: dict[str, Any]) -> dict[str, Any] | Failed:
        reply = await self._client.call(
            "POST", url, self._client.limits.generate, body, most_bytes=MOST_BYTES
        )
        if isinstance(reply, NoReply):
            return reply.failed_call()
        answer = reply.object()
        if not reply.accepted or stated_error(answer) is not None:
            return self._failure(reply)
        return answer

    async def _answer(self, stream: EventStream) -> AsyncGenerator[ChatDelta | ChatEnd | Failed, None]:
        """A break after the last chunk takes nothing from the answer: all that can be missing is `[DONE]`."""
        reader = ChunkReader()
        async for event in stream.events():
            if isinstance(event, Broken):
                if reader.complete or event.unfinished == DONE:
                    break
                yield Failed(ErrorClass.TRANSIENT, event.reason)
                return
            if event == DONE:
                break
            piece = reader.read(event)
            if isinstance(piece, ChatDelta):
                yield piece
            elif piece is not None:
                yield self._fault(piece, stream, event)
                return
        yield reader.end() or _CUT_OFF

    def _fault(self, fault: ChunkFault, stream: EventStream, event: bytes) -> Failed:
        if fault is ChunkFault.MALFORMED:
            return _MALFORMED
        return self._failure(Reply(200, stream.headers, event))

    def _no_stream(self, reply: Reply) -> Failed:
        if reply.accepted and stated_error(reply.object()) is None:
            return Failed(ErrorClass.TRANSIENT, "The provider did not answer with a stream.")
        return self._failure(reply)
