"""OpenRouter's two ways to images on the wire. Pure.

Source: openrouter.ai/docs, "Image Generation": over chat, one image per call, and `POST /images`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from shared.providers.base import Done, Failed, GenerationRequest
from shared.providers.chat_completions import cost_nano, first_choice, stated_error
from shared.providers.errors import ErrorClass
from shared.providers.exchange import NoReply, Reply
from shared.providers.outputs import find_outputs
from shared.providers.prompts import prompt_text

_ENDPOINT: Final = "endpoint"
_REFUSED: Final = frozenset(
    {
        "safety",
        "image_safety",
        "blocklist",
        "prohibited_content",
        "image_prohibited_content",
        "recitation",
        "image_recitation",
        "spii",
        "content_filter",
    }
)
"""The words, of OpenRouter or the provider behind it, for an answer that a filter ended."""


def takes_native_endpoint(request: GenerationRequest) -> bool:
    """Whether the route's options say `endpoint: images`; without it the image comes over chat."""
    return request.options.get(_ENDPOINT) == "images"


def chat_image_body(request: GenerationRequest) -> dict[str, Any]:
    """One image by `POST /chat/completions`; the route's options win over everything else."""
    config = {
        name: value
        for name, value in (("aspect_ratio", request.aspect_ratio), ("image_size", request.resolution))
        if value
    }
    body: dict[str, Any] = {
        "model": request.upstream_model,
        "messages": [{"role": "user", "content": [_text(request), *_references(request)]}],
        "modalities": ["image", "text"],
    }
    if config:
        body["image_config"] = config
    return {**body, **_options(request)}


def native_image_body(request: GenerationRequest, count: int) -> dict[str, Any]:
    """`count` images by `POST /images`, which refuses fields that the model does not know: only what was
    asked for is sent. The route's options win over everything else.
    """
    body: dict[str, Any] = {"model": request.upstream_model, "prompt": prompt_text(request)}
    if count > 1:
        body["n"] = count
    if request.aspect_ratio:
        body["aspect_ratio"] = request.aspect_ratio
    if request.resolution:
        body["resolution"] = request.resolution
    if request.image_urls:
        body["input_references"] = _references(request)
    return {**body, **_options(request)}


def read_chat_image(reply: Reply | NoReply, failure: Callable[[Reply], Failed]) -> Done | Failed:
    """`choices[0].message.images: [{"image_url": {"url": "data:…"}}]`, with `usage.cost`.

    Without an answer, or with a 2xx that cannot be read, an image may have been made and charged: ambiguous.
    """
    if isinstance(reply, NoReply):
        return reply.failed_submit()
    body = reply.object()
    if not reply.accepted or stated_error(body) is not None:
        return failure(reply)
    choice = first_choice(body)
    message = choice.get("message")
    if not isinstance(message, dict):
        return Failed(ErrorClass.SUBMIT_AMBIGUOUS, "The provider's answer cannot be read.")
    outputs = find_outputs(message.get("images"))
    cost = cost_nano(body.get("usage"))
    if outputs:
        return Done(outputs, cost)
    reasons = (choice.get("finish_reason"), choice.get("native_finish_reason"))
    if message.get("refusal") or any(str(reason).lower() in _REFUSED for reason in reasons):
        return Failed(ErrorClass.POLICY_REFUSAL, "The model refused to make the image.", cost_nano=cost)
    return Failed(ErrorClass.NO_OUTPUT, "The model finished without an image.", cost_nano=cost)


def _text(request: GenerationRequest) -> dict[str, Any]:
    return {"type": "text", "text": prompt_text(request)}


def _references(request: GenerationRequest) -> list[dict[str, Any]]:
    return [{"type": "image_url", "image_url": {"url": url}} for url in request.image_urls]


def _options(request: GenerationRequest) -> dict[str, Any]:
    return {name: value for name, value in request.options.items() if name != _ENDPOINT}
