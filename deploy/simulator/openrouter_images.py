"""OpenRouter's own `POST /images`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from deploy.simulator import openrouter_problems as problems
from deploy.simulator.calls import Call, refuse, serve
from deploy.simulator.chat import BadRequest
from deploy.simulator.credentials import key_of
from deploy.simulator.faults import Fault
from deploy.simulator.inputs import BadInput
from deploy.simulator.jobs import Job
from deploy.simulator.openrouter_cost import usage
from deploy.simulator.pictures import FORMATS, images_made, in_base64
from deploy.simulator.sizes import ALL_RESOLUTIONS, RATIOS, pixels, written_size
from deploy.simulator.submission import answer, body_of, prompt_of, tell
from deploy.simulator.text import tokens_of
from deploy.simulator.world import WORLD

_NAME = "openrouter"
_MOST_IMAGES = 10


@dataclass(frozen=True, slots=True)
class _Asked:
    model: str
    prompt: str
    images: int
    size: tuple[int, int]
    file_format: str
    references: list[str]


async def images(request: web.Request, generation_id: str) -> web.StreamResponse:
    """Draw `n` pictures, told by `aspect_ratio` and `resolution` or by `size`."""
    world, values = request.app[WORLD], await body_of(request)
    if values is None:
        return tell(problems.NOT_JSON)
    plan = world.rules.plan(_NAME, prompt_of(values), key_of(request))
    refused = problems.at_submit(plan.then, str(values.get("model")), image=True)
    if refused is not None:
        return await refuse(plan, refused)
    try:
        asked = _read(values)
    except BadRequest as fault:
        return tell(problems.bad_request(fault))
    shown = await world.inputs.read(asked.references)
    if isinstance(shown, BadInput):
        return tell(problems.bad_input(shown))

    async def draw(job: Job) -> web.StreamResponse:
        if plan.then.fault is Fault.ERROR_IN_200:
            job.finish("failed")
            return answer(problems.IN_200)
        job.thumbnails = shown
        made = await in_base64(world, job, asked.file_format)
        kind = FORMATS[asked.file_format]
        return answer(
            {
                "created": int(time.time()),
                "data": [{"b64_json": data, "media_type": kind} for data in made],
                "usage": usage(tokens_of(asked.prompt), 0, len(made)),
            }
        )

    call = Call(
        provider=_NAME,
        id=generation_id,
        model=asked.model,
        prompt=asked.prompt,
        input=values,
        size=asked.size,
        images=images_made(asked.images, plan.then.fault),
    )
    return await serve(request, call, plan, problems.at_work(plan.then, asked.model, asked.prompt), draw)


def _read(values: Mapping[str, Any]) -> _Asked:
    for name in ("model", "prompt"):
        if not isinstance(values.get(name), str) or not values[name]:
            raise BadRequest(name, "expected a non-empty string")
    if values.get("stream"):
        raise BadRequest("stream", "streaming is not supported by this model")
    choices = (("aspect_ratio", RATIOS), ("resolution", ALL_RESOLUTIONS), ("output_format", tuple(FORMATS)))
    for name, allowed in choices:
        if values.get(name) is not None and values[name] not in allowed:
            raise BadRequest(name, f"expected one of {', '.join(allowed)}")
    count = 1 if values.get("n") is None else values["n"]
    if not isinstance(count, int) or not 1 <= count <= _MOST_IMAGES:
        raise BadRequest("n", f"expected a whole number from 1 to {_MOST_IMAGES}")
    return _Asked(
        model=values["model"],
        prompt=values["prompt"],
        images=count,
        size=_size(values),
        file_format=values.get("output_format") or "png",
        references=[_address(item) for item in values.get("input_references") or ()],
    )


def _size(values: Mapping[str, Any]) -> tuple[int, int]:
    if values.get("size") is None:
        return pixels(values.get("aspect_ratio"), values.get("resolution"))
    size = written_size(values["size"])
    if size is None:
        raise BadRequest("size", "expected WIDTHxHEIGHT")
    return size


def _address(item: Any) -> str:
    """A reference is an address, or a content part that holds one."""
    for name in ("image_url", "url"):
        if isinstance(item, Mapping) and name in item:
            item = item[name]
    if not isinstance(item, str):
        raise BadRequest("input_references", "expected addresses of images")
    return item
