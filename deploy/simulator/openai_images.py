"""OpenAI's pictures: generations in JSON, edits as a form."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from deploy.simulator import openai_problems as problems
from deploy.simulator.calls import Call, refuse, serve
from deploy.simulator.chat import BadRequest
from deploy.simulator.credentials import key_of
from deploy.simulator.jobs import Job
from deploy.simulator.pictures import FORMATS, images_made, in_base64, thumbnails
from deploy.simulator.sizes import written_size
from deploy.simulator.submission import answer, body_of, prompt_of, tell
from deploy.simulator.text import tokens_of
from deploy.simulator.world import WORLD

_NAME = "openai"
_MOST_IMAGES = 10
_MOST_INPUTS = 16
_LONGEST_PROMPT = 32_000
_TOKENS_PER_PIXEL = {"low": 272 / 2**20, "medium": 1056 / 2**20, "high": 4160 / 2**20}
_INPUT_IMAGE_TOKENS = 323
_CHOICES = {
    "quality": ("low", "medium", "high", "xhigh", "max", "auto"),
    "background": ("transparent", "opaque", "auto"),
    "output_format": tuple(FORMATS),
    "moderation": ("low", "auto"),
    "input_fidelity": ("low", "high"),
}
_NOT_PLAYED = ("response_format", "style", "stream", "partial_images")


@dataclass(frozen=True, slots=True)
class _Asked:
    model: str
    prompt: str
    images: int
    size: tuple[int, int]
    quality: str
    background: str
    file_format: str


async def generations(request: web.Request, request_id: str) -> web.StreamResponse:
    """`POST /images/generations`."""
    values = await body_of(request)
    return tell(problems.NOT_JSON) if values is None else await _make(request, request_id, values, None)


async def edits(request: web.Request, request_id: str) -> web.StreamResponse:
    """`POST /images/edits`: pictures in `image` or `image[]`, and a mask that is not looked at."""
    if not request.content_type.startswith("multipart/"):
        return tell(problems.NOT_A_FORM)
    try:
        form = await request.post()
    except ValueError:
        return tell(problems.NOT_A_FORM)
    values: dict[str, Any] = {}
    images = []
    for name, value in form.items():
        if isinstance(value, web.FileField):
            data = value.file.read()
            values[name] = f"{value.filename} ({len(data)} bytes)"
            if name != "mask":
                images.append(data)
        else:
            values[name] = int(value) if name == "n" and str(value).isdecimal() else value
    return await _make(request, request_id, values, images)


async def _make(
    request: web.Request, request_id: str, values: Mapping[str, Any], images: list[bytes] | None
) -> web.StreamResponse:
    world = request.app[WORLD]
    plan = world.rules.plan(_NAME, prompt_of(values), key_of(request))
    refused = problems.at_submit(plan.then, str(values.get("model")), field="prompt")
    if refused is not None:
        return await refuse(plan, refused)
    try:
        asked = _read(values, images)
        shown = await thumbnails(images or [])
    except BadRequest as fault:
        return tell(problems.bad_request(fault))
    except OSError:
        return tell(problems.UNREADABLE_IMAGE)

    async def draw(job: Job) -> web.StreamResponse:
        job.thumbnails = shown
        made = await in_base64(world, job, asked.file_format)
        return answer(_body(asked, made, len(images or ())))

    call = Call(
        provider=_NAME,
        id=request_id,
        model=asked.model,
        prompt=asked.prompt,
        input=values,
        size=asked.size,
        images=images_made(asked.images, plan.then.fault),
    )
    return await serve(request, call, plan, problems.at_work(plan.then, image=True), draw)


def _body(asked: _Asked, made: list[str], inputs: int) -> dict[str, Any]:
    text, pictures = tokens_of(asked.prompt), inputs * _INPUT_IMAGE_TOKENS
    width, height = asked.size
    written = round(width * height * _TOKENS_PER_PIXEL.get(asked.quality, _TOKENS_PER_PIXEL["high"])) * len(
        made
    )
    return {
        "created": int(time.time()),
        "background": asked.background,
        "output_format": asked.file_format,
        "quality": asked.quality,
        "size": f"{width}x{height}",
        "data": [{"b64_json": data} for data in made],
        "usage": {
            "input_tokens": text + pictures,
            "input_tokens_details": {"text_tokens": text, "image_tokens": pictures},
            "output_tokens": written,
            "total_tokens": text + pictures + written,
        },
    }


def _read(values: Mapping[str, Any], images: list[bytes] | None) -> _Asked:
    for name in _NOT_PLAYED:
        if values.get(name):
            raise BadRequest(name, f"Unknown parameter: '{name}'.", "unknown_parameter")
    prompt = values.get("prompt")
    if not isinstance(prompt, str) or not prompt:
        raise BadRequest("prompt", "Missing required parameter: 'prompt'.", "missing_required_parameter")
    if len(prompt) > _LONGEST_PROMPT:
        text = f"Invalid 'prompt': string too long, the most is {_LONGEST_PROMPT} characters."
        raise BadRequest("prompt", text, "string_above_max_length")
    if images is not None and not 1 <= len(images) <= _MOST_INPUTS:
        raise BadRequest("image", f"Invalid 'image': from 1 to {_MOST_INPUTS} images are expected.")
    for name, allowed in _CHOICES.items():
        if values.get(name) is not None and values[name] not in allowed:
            raise BadRequest(name, f"Invalid value: '{values[name]}'. Supported values are: {allowed}.")
    count = values.get("n") or 1
    if not isinstance(count, int) or not 1 <= count <= _MOST_IMAGES:
        raise BadRequest("n", f"Invalid 'n': expected an integer from 1 to {_MOST_IMAGES}.")
    quality = values.get("quality") or "auto"
    return _Asked(
        model=str(values.get("model") or "gpt-image-1.5"),
        prompt=prompt,
        images=count,
        size=_size(values.get("size") or "auto"),
        quality="high" if quality == "auto" else quality,
        background="opaque" if values.get("background") in (None, "auto") else values["background"],
        file_format=values.get("output_format") or "png",
    )


def _size(text: Any) -> tuple[int, int]:
    if text == "auto":
        return 1024, 1024
    size = written_size(text)
    if size is None:
        raise BadRequest("size", f"Invalid value: '{text}'. Supported values are WIDTHxHEIGHT and 'auto'.")
    return size
