"""What is sent to Gemini for images and embeddings. Source: ai.google.dev/api, "GenerateContent"."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from shared.providers.base import EmbeddingRequest, GenerationRequest
from shared.providers.prompts import prompt_text
from shared.providers.tools import InputImage

_WITHOUT_SIZE: Final = "*2.5-flash-image*"
_SIZES: Final = {"0.5K": "512"}


def image_body(request: GenerationRequest, images: Sequence[InputImage]) -> dict[str, Any]:
    """The body of a call that makes one image; the catalog's options win, key by key."""
    config: dict[str, Any] = {"responseModalities": ["TEXT", "IMAGE"]}
    if image := _image_config(request):
        config["imageConfig"] = image
    parts = [{"text": prompt_text(request)}, *(inline_part(image) for image in images)]
    body = {"contents": [{"role": "user", "parts": parts}], "generationConfig": config}
    return with_options(body, request.options)


def embedding_body(request: EmbeddingRequest, inputs: Sequence[str]) -> dict[str, Any]:
    """The body of `batchEmbedContents` for some of the inputs."""
    return {"requests": [_embedding_item(request, text) for text in inputs]}


def model_name(upstream_model: str) -> str:
    """The id without the collection it may be written with: `models/gemini-…` → `gemini-…`."""
    return upstream_model.removeprefix("models/")


def inline_part(image: InputImage) -> dict[str, Any]:
    data = b64encode(image.data).decode("ascii")
    return {"inlineData": {"mimeType": image.content_type, "data": data}}


def with_options(body: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """`body` with `options` laid over it; objects in both are merged, everything else is replaced."""
    merged = dict(body)
    for name, value in options.items():
        mine = merged.get(name)
        if isinstance(mine, Mapping) and isinstance(value, Mapping):
            value = with_options(mine, value)
        merged[name] = value
    return merged


def _image_config(request: GenerationRequest) -> dict[str, str]:
    config = {}
    if request.aspect_ratio:
        config["aspectRatio"] = request.aspect_ratio
    if request.resolution and not fnmatchcase(request.upstream_model, _WITHOUT_SIZE):
        config["imageSize"] = _SIZES.get(request.resolution, request.resolution)
    return config


def _embedding_item(request: EmbeddingRequest, text: str) -> dict[str, Any]:
    item: dict[str, Any] = {
        "model": f"models/{model_name(request.upstream_model)}",
        "content": {"parts": [{"text": text}]},
    }
    if request.task_type:
        item["taskType"] = request.task_type
    if request.title and request.task_type == "RETRIEVAL_DOCUMENT":
        item["title"] = request.title
    if request.dimensions:
        item["outputDimensionality"] = request.dimensions
    return with_options(item, request.options)
