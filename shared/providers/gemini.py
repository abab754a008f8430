"""Google Gemini (Developer API), authorised by `x-goog-api-key`. Source: ai.google.dev/api."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

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
from shared.providers.gemini_answers import join_vectors, read_images, read_vectors, settle
from shared.providers.gemini_chat import chat_body
from shared.providers.gemini_chat_answers import read_chat
from shared.providers.gemini_errors import failure
from shared.providers.gemini_messages import InvalidChat, image_urls
from shared.providers.gemini_requests import embedding_body, image_body, model_name
from shared.providers.gemini_stream import read_stream
from shared.providers.messages import sanitise
from shared.providers.tools import InputImage, ProviderTools, UnusableInput

BASE_URL: Final = "https://generativelanguage.googleapis.com"
MOST_BYTES: Final = 64 * 1024 * 1024
"""An answer carries its pictures in base64."""
_MOST_PER_BATCH: Final = 100


class GeminiProvider:
    """Images, chats and embeddings, all of which are answered by the call itself: there are no jobs.

    One call makes one image, so an image submission is `num_outputs` calls that settle as one result.
    """

    name = "gemini"

    def __init__(self, tools: ProviderTools, key: SecretStr, base_url: str | None = None) -> None:
        base = (base_url or BASE_URL).rstrip("/").removesuffix("/v1beta")
        self._client = ProviderClient(tools, base, key, header="x-goog-api-key", scheme="")
        self._models = f"{base}/v1beta/models"
        self._inputs = tools.inputs

    async def submit(self, request: GenerationRequest) -> Done | Failed:
        """All calls at once. A call whose answer got lost made an image that we may pay for."""
        images = await self._load(request.image_urls)
        if isinstance(images, Failed):
            return images
        body = image_body(request, images)
        limit = self._client.limits.generate_within(request.time_limit)
        replies = await asyncio.gather(
            *(self._generate(request.upstream_model, body, limit) for _ in range(request.num_outputs))
        )
        return settle([read_images(reply) for reply in replies])

    async def poll(self, job: ProviderJob) -> Failed:
        """No submission is ever `Accepted`, so a job under this name is not ours to find."""
        return Failed(ErrorClass.UNKNOWN, "This provider has no jobs to ask for.")

    async def cancel(self, job: ProviderJob) -> None:
        """Nothing to do: what runs is a call, and it ends with its connection."""

    async def chat(self, request: ChatRequest) -> ChatDone | Failed:
        body = await self._chat_body(request)
        if isinstance(body, Failed):
            return body
        return read_chat(await self._generate(request.upstream_model, body, self._client.limits.generate))

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta | ChatEnd | Failed, None]:
        body = await self._chat_body(request)
        if isinstance(body, Failed):
            yield body
            return
        url = self._url(request.upstream_model, "streamGenerateContent?alt=sse")
        async with self._client.open_stream(url, body) as opened:
            if isinstance(opened, NoReply):
                yield opened.failed_call()
            elif isinstance(opened, Reply):
                yield failure(opened)
            else:
                async for event in read_stream(opened):
                    yield event

    async def embed(self, request: EmbeddingRequest) -> EmbeddingDone | Failed:
        """Batches of at most 100 texts, all at once."""
        starts = range(0, len(request.inputs), _MOST_PER_BATCH)
        batches = [request.inputs[start : start + _MOST_PER_BATCH] for start in starts]
        return join_vectors(await asyncio.gather(*(self._embed(request, batch) for batch in batches)))

    async def _embed(
        self, request: EmbeddingRequest, batch: Sequence[str]
    ) -> tuple[tuple[float, ...], ...] | Failed:
        url = self._url(request.upstream_model, "batchEmbedContents")
        body = embedding_body(request, batch)
        reply = await self._client.call(
            "POST", url, self._client.limits.generate, body, most_bytes=MOST_BYTES
        )
        return read_vectors(reply, len(batch))

    async def _generate(self, model: str, body: dict[str, Any], limit: timedelta) -> Reply | NoReply:
        url = self._url(model, "generateContent")
        return await self._client.call("POST", url, limit, body, most_bytes=MOST_BYTES)

    async def _chat_body(self, request: ChatRequest) -> dict[str, Any] | Failed:
        try:
            urls = image_urls(request.messages)
            images = await self._load(urls)
            if isinstance(images, Failed):
                return images
            return chat_body(request, dict(zip(urls, images, strict=True)))
        except InvalidChat as error:
            return Failed(ErrorClass.CALLER_FAULT, error.message)

    async def _load(self, urls: Sequence[str]) -> list[InputImage] | Failed:
        """The images in order, or why one cannot be used; Gemini takes bytes and no addresses."""
        loaded = await asyncio.gather(*(self._load_one(url) for url in urls))
        images = [image for image in loaded if isinstance(image, InputImage)]
        unusable = next((error for error in loaded if isinstance(error, UnusableInput)), None)
        if unusable is not None:
            return Failed(ErrorClass.CALLER_FAULT, sanitise(unusable.message))
        return images

    async def _load_one(self, url: str) -> InputImage | UnusableInput:
        try:
            return await self._inputs.load(url)
        except UnusableInput as error:
            return error

    def _url(self, model: str, method: str) -> str:
        return f"{self._models}/{quote(model_name(model), safe='')}:{method}"
