"""OpenRouter, authorised by `Authorization: Bearer …`. Source: openrouter.ai/docs, "API Reference"."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, Final

from pydantic import SecretStr

from shared.providers.base import (
    ChatDelta,
    ChatDone,
    ChatEnd,
    ChatRequest,
    Done,
    EmbeddingDone,
    EmbeddingRequest,
    Failed,
    GenerationRequest,
    ProviderJob,
)
from shared.providers.errors import ErrorClass
from shared.providers.exchange import NoReply, ProviderClient, Reply
from shared.providers.openai_images import counts, read_images, settle
from shared.providers.openai_text import MOST_BYTES, TextCalls
from shared.providers.openrouter_errors import failure
from shared.providers.openrouter_images import (
    chat_image_body,
    native_image_body,
    read_chat_image,
    takes_native_endpoint,
)
from shared.providers.tools import ProviderTools

BASE_URL: Final = "https://openrouter.ai/api/v1"


class OpenRouterProvider:
    """Images, chats and embeddings, each answered with the result: there are no provider jobs.

    Images are made over chat, one per call, or by `POST /images` where the route's options say
    `endpoint: images`. Input images go by their address.
    """

    name = "openrouter"

    def __init__(self, tools: ProviderTools, key: SecretStr, base_url: str | None = None) -> None:
        self._client = ProviderClient(tools, base_url or BASE_URL, key)
        self._text = TextCalls(self._client, failure)

    async def submit(self, request: GenerationRequest) -> Done | Failed:
        """The images themselves; never a job. Several calls settle as one."""
        if takes_native_endpoint(request):
            calls = [self._make_natively(request, count) for count in counts(request.num_outputs)]
        else:
            calls = [self._make_over_chat(request) for _ in range(request.num_outputs)]
        return settle(await asyncio.gather(*calls))

    async def poll(self, job: ProviderJob) -> Failed:
        """There is nothing to ask for, since `submit` never gives a job."""
        return Failed(ErrorClass.UNKNOWN, "This provider has no jobs.")

    async def cancel(self, job: ProviderJob) -> None:
        """Nothing to stop: a call ends with its connection."""

    async def chat(self, request: ChatRequest) -> ChatDone | Failed:
        return await self._text.chat(request)

    def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta | ChatEnd | Failed, None]:
        return self._text.stream(request)

    async def embed(self, request: EmbeddingRequest) -> EmbeddingDone | Failed:
        return await self._text.embed(request)

    async def _make_over_chat(self, request: GenerationRequest) -> Done | Failed:
        return read_chat_image(
            await self._post(request, "chat/completions", chat_image_body(request)), failure
        )

    async def _make_natively(self, request: GenerationRequest, count: int) -> Done | Failed:
        return read_images(await self._post(request, "images", native_image_body(request, count)), failure)

    async def _post(self, request: GenerationRequest, path: str, body: dict[str, Any]) -> Reply | NoReply:
        return await self._client.call(
            "POST",
            f"{self._client.base_url}/{path}",
            self._client.limits.generate_within(request.time_limit),
            body,
            most_bytes=MOST_BYTES,
        )
