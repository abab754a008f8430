"""OpenAI's images on the wire. Pure. Source: platform.openai.com/docs, "Images"."""

from __future__ import annotations

import binascii
import io
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import aiohttp
import orjson

from shared.providers.base import Done, Failed, GenerationRequest, Output
from shared.providers.chat_completions import cost_nano, stated_error
from shared.providers.errors import ErrorClass
from shared.providers.exchange import NoReply, Reply
from shared.providers.prompts import prompt_text
from shared.providers.several import most_telling
from shared.providers.tools import InputImage

MOST_PER_CALL: Final = 10
MOST_INPUTS: Final = 16

SIZES: Final[Mapping[str, tuple[str, str, str]]] = {
    "1K": ("1024x1024", "1536x1024", "1024x1536"),
    "2K": ("2048x2048", "2048x1152", "1152x2048"),
    "4K": ("2880x2880", "3840x2160", "2160x3840"),
}
"""Square, wide and tall, by resolution. Models before gpt-image-2 know the first row only."""


def image_body(request: GenerationRequest, count: int) -> dict[str, Any]:
    """The fields of a call for `count` images; the route's options win over everything else.

    GPT image models always answer with bytes and refuse a `response_format`.
    """
    body: dict[str, Any] = {
        "model": request.upstream_model,
        "prompt": prompt_text(request),
        "n": count,
        "output_format": "png",
    }
    if size := size_of(request.aspect_ratio, request.resolution):
        body["size"] = size
    if request.quality:
        body["quality"] = request.quality
    if request.background:
        body["background"] = request.background
    return {**body, **request.options}


def size_of(aspect_ratio: str | None, resolution: str | None) -> str | None:
    """The size nearest in shape, such as `1536x1024`; None, and so the model's own choice, without a ratio
    at the usual resolution and for words that are no ratio.
    """
    if aspect_ratio is None and resolution in (None, "1K"):
        return None
    sizes = SIZES.get(resolution or "1K")
    width, _, height = (aspect_ratio or "1:1").partition(":")
    if sizes is None or not (width.isdecimal() and height.isdecimal()):
        return None
    square, wide, tall = sizes
    if int(width) == int(height):
        return square
    return wide if int(width) > int(height) else tall


def edit_form(
    body: Mapping[str, Any], images: Sequence[InputImage], mask: InputImage | None = None
) -> aiohttp.FormData:
    """The fields and the input images as multipart; good for one sending."""
    form = aiohttp.FormData()
    for name, value in body.items():
        form.add_field(name, value if isinstance(value, str) else orjson.dumps(value).decode())
    for number, image in enumerate(images):
        form.add_field(
            "image[]",
            io.BytesIO(image.data),
            filename=f"image-{number}.{image.content_type.rpartition('/')[2]}",
            content_type=image.content_type,
        )
    if mask is not None:
        form.add_field("mask", io.BytesIO(mask.data), filename="mask.png", content_type=mask.content_type)
    return form


def counts(wanted: int) -> list[int]:
    """How many images each call is to make."""
    full, rest = divmod(wanted, MOST_PER_CALL)
    return [MOST_PER_CALL] * full + [rest] * (rest > 0)


def read_images(reply: Reply | NoReply, failure: Callable[[Reply], Failed]) -> Done | Failed:
    """`{"data": [{"b64_json"}], "usage": {…}}`; fewer images than asked are a success.

    Without an answer, or with a 2xx that cannot be read, images may have been made and charged: ambiguous.
    """
    if isinstance(reply, NoReply):
        return reply.failed_submit()
    body = reply.object()
    if not reply.accepted or stated_error(body) is not None:
        return failure(reply)
    data = body.get("data")
    if not isinstance(data, list):
        return Failed(ErrorClass.SUBMIT_AMBIGUOUS, "The provider's answer cannot be read.")
    stated = body.get("output_format")
    declared = f"image/{stated}" if isinstance(stated, str) else None
    outputs = tuple(output for item in data if (output := _output(item, declared)))
    cost = cost_nano(body.get("usage"))
    if not outputs:
        return Failed(ErrorClass.NO_OUTPUT, "The model finished without an image.", cost_nano=cost)
    return Done(outputs, cost)


def settle(results: Sequence[Done | Failed]) -> Done | Failed:
    """One result of several calls: all images that came, or the most telling failure."""
    done = [result for result in results if isinstance(result, Done)]
    failures = [result for result in results if isinstance(result, Failed)]
    costs = [result.cost_nano for result in results if result.cost_nano is not None]
    cost = sum(costs) if costs else None
    if not done:
        return replace(most_telling(failures), cost_nano=cost)
    return Done(
        tuple(output for result in done for output in result.outputs),
        cost,
        sum(failure.error_class is ErrorClass.SUBMIT_AMBIGUOUS for failure in failures),
    )


def _output(item: object, declared: str | None) -> Output | None:
    if not isinstance(item, dict):
        return None
    encoded, url = item.get("b64_json"), item.get("url")
    media_type = item.get("media_type")
    content_type = media_type if isinstance(media_type, str) else declared
    if isinstance(encoded, str) and encoded:
        try:
            return Output(data=b64decode(encoded, validate=True), content_type=content_type)
        except (binascii.Error, ValueError):
            return None
    if isinstance(url, str) and url.startswith(("https://", "http://")):
        return Output(url=url, content_type=content_type)
    return None
