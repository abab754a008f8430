"""OpenAI, authorised by `Authorization: Bearer …`. Source: platform.openai.com/docs, "API Reference"."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
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
from shared.providers.chat_completions import chat_body
from shared.providers.errors import ErrorClass
from shared.providers.exchange import ProviderClient
from shared.providers.openai_errors import failure
from shared.providers.openai_images import (
    MOST_INPUTS,
    counts,
    edit_form,
    image_body,
    read_images,
    settle,
)
from shared.providers.openai_text import MOST_BYTES, TextCalls
from shared.providers.tools import InputImage, ProviderTools, UnusableInput

BASE_URL: Final = "https://api.openai.com/v1"


class OpenAiProvider:
    """Images, edits, chats and embeddings, each answered with the result: there are no provider jobs."""

    name = "openai"

    def __init__(self, tools: ProviderTools, key: SecretStr, base_url: str | None = None) -> None:
        self._client = ProviderClient(tools, base_url or BASE_URL, key)
        self._inputs = tools.inputs
        self._text = TextCalls(self._client, failure, openai_chat_body)

    async def submit(self, request: GenerationRequest) -> Done | Failed:
        """The images themselves; never a job. More than ten take several calls that settle as one."""
        if len(request.image_urls) > MOST_INPUTS:
            return Failed(
                ErrorClass.CALLER_FAULT, f"At most {MOST_INPUTS} input images can be edited at once."
            )
        try:
            images = await asyncio.gather(*(self._inputs.load(url) for url in request.image_urls))
            mask = await self._inputs.load(request.mask_url) if images and request.mask_url else None
        except UnusableInput as error:
            return Failed(ErrorClass.CALLER_FAULT, str(error))
        calls = (self._make(request, count, images, mask) for count in counts(request.num_outputs))
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

    async def _make(
        self,
        request: GenerationRequest,
        count: int,
        images: Sequence[InputImage],
        mask: InputImage | None,
    ) -> Done | Failed:
        body = image_body(request, count)
        reply = await self._client.call(
            "POST",
            f"{self._client.base_url}/images/{'edits' if images else 'generations'}",
            self._client.limits.generate_within(request.time_limit),
            None if images else body,
            form=(lambda: edit_form(body, images, mask)) if images else None,
            most_bytes=MOST_BYTES,
        )
        return read_images(reply, failure)


def openai_chat_body(request: ChatRequest) -> dict[str, Any]:
    """OpenAI knows no `top_k`, and its newer models refuse `max_tokens` under that name."""
    parameters = {name: value for name, value in request.parameters.items() if name != "top_k"}
    if "max_tokens" in parameters:
        parameters.setdefault("max_completion_tokens", parameters.pop("max_tokens"))
    return chat_body(ChatRequest(request.upstream_model, request.messages, parameters, request.options))
