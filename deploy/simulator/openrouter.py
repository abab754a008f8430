"""OpenRouter below `/openrouter/api/v1`: chat completions that may draw, images, embeddings.

Any non-empty key and any model name will do. The cost of a call is made up, but adds up.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from deploy.simulator import openrouter_problems as problems
from deploy.simulator.calls import Call, refuse, serve
from deploy.simulator.chat import BadRequest, ChatRequest, prompt_of, read_chat
from deploy.simulator.chat_answers import DONE, Completion
from deploy.simulator.credentials import key_of
from deploy.simulator.embeddings import embedded, read_embedding, texts_of
from deploy.simulator.events import Stream, frame, send
from deploy.simulator.faults import Fault
from deploy.simulator.inputs import BadInput
from deploy.simulator.jobs import Job
from deploy.simulator.openrouter_cost import usage
from deploy.simulator.openrouter_images import images
from deploy.simulator.openrouter_problems import PROVIDER
from deploy.simulator.pictures import images_made, in_base64
from deploy.simulator.replies import Reply, reply_to
from deploy.simulator.sizes import ALL_RESOLUTIONS, RATIOS, pixels
from deploy.simulator.submission import answer, body_of, tell
from deploy.simulator.text import prose, verbatim
from deploy.simulator.world import WORLD

NAME = "openrouter"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_PROCESSING = b": OPENROUTER PROCESSING\n\n"
_CAPTION = verbatim("Here is your picture.", None)


def _authorized(handler: Handler) -> Handler:
    """The handler, for callers with a key."""

    async def handle(request: web.Request) -> web.StreamResponse:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not key.strip():
            return tell(problems.UNAUTHORIZED)
        return await handler(request)

    return handle


def _draws(body: Mapping[str, Any]) -> bool:
    modalities = body.get("modalities")
    return isinstance(modalities, list) and "image" in modalities


async def _chat(request: web.Request) -> web.StreamResponse:
    world, body = request.app[WORLD], await body_of(request)
    if body is None:
        return tell(problems.NOT_JSON)
    plan = world.rules.plan(NAME, prompt_of(body), key_of(request))
    refused = problems.at_submit(plan.then, str(body.get("model")), image=_draws(body))
    if refused is not None:
        return await refuse(plan, refused)
    try:
        asked, size = read_chat(body), _size(body)
    except BadRequest as fault:
        return tell(problems.bad_request(fault))
    shown = await world.inputs.read(asked.pictures) if _draws(body) else ()
    if isinstance(shown, BadInput):
        return tell(problems.bad_input(shown))

    async def complete(job: Job) -> web.StreamResponse:
        job.thumbnails = shown
        drawn = [f"data:image/png;base64,{data}" for data in await in_base64(world, job)]
        reply = _picture_reply(asked, drawn) if _draws(body) else reply_to(asked.wish, plan.then)
        completion = _completion(asked, reply, job, drawn)
        if asked.stream:
            return await send(request, job, plan, _stream(completion), {"X-Generation-Id": job.id})
        if plan.then.fault is Fault.ERROR_IN_200:
            job.finish("failed")
            return answer(problems.IN_200)
        return answer(completion.body(), headers={"X-Generation-Id": job.id})

    call = Call(
        provider=NAME,
        id=_generation_id(),
        model=asked.model,
        prompt=asked.wish.prompt,
        input=body,
        size=size,
        images=images_made(1, plan.then.fault) if _draws(body) else 0,
    )
    return await serve(
        request, call, plan, problems.at_work(plan.then, asked.model, asked.wish.prompt), complete
    )


def _picture_reply(asked: ChatRequest, drawn: list[str]) -> Reply:
    """What stands beside the picture, or in its place."""
    return Reply(_CAPTION if drawn else prose(asked.wish.prompt, asked.wish.limit), "stop")


def _generation_id() -> str:
    return f"gen-{int(time.time())}-{secrets.token_hex(10)}"


def _size(body: Mapping[str, Any]) -> tuple[int, int]:
    config = body.get("image_config") or {}
    for name, allowed in (("aspect_ratio", RATIOS), ("image_size", ALL_RESOLUTIONS)):
        if config.get(name) is not None and config[name] not in allowed:
            raise BadRequest(f"image_config.{name}", f"expected one of {', '.join(allowed)}")
    return pixels(config.get("aspect_ratio"), config.get("image_size"))


def _completion(asked: ChatRequest, reply: Reply, job: Job, drawn: list[str]) -> Completion:
    native = {"stop": "STOP", "length": "MAX_TOKENS", "calls": "STOP", "filter": "SAFETY"}
    return Completion(
        head={"id": job.id, "provider": PROVIDER, "model": asked.model, "created": int(time.time())},
        reply=reply,
        usage=usage(asked.prompt_tokens, reply.tokens, len(drawn)),
        images=drawn,
        choice={"native_finish_reason": native[reply.ending]},
        delta={"role": "assistant"},
    )


def _stream(completion: Completion) -> Stream:
    head = {**completion.head, "object": "chat.completion.chunk"}
    choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error", "native_finish_reason": "error"}
    return Stream(
        opening=[_PROCESSING, completion.chunk({"role": "assistant", "content": ""}), _PROCESSING],
        chunks=completion.chunks(),
        closing=[completion.end(), completion.usage_chunk(), DONE],
        error=frame({**head, "choices": [choice], "error": problems.IN_200["error"]}),
    )


async def _embeddings(request: web.Request) -> web.StreamResponse:
    body = await body_of(request)
    if body is None:
        return tell(problems.NOT_JSON)
    text, model = texts_of(body), str(body.get("model"))
    plan = request.app[WORLD].rules.plan(NAME, text, key_of(request))
    refused = problems.at_submit(plan.then, model, image=False)
    if refused is not None:
        return await refuse(plan, refused)
    try:
        asked = read_embedding(body)
    except BadRequest as fault:
        return tell(problems.bad_request(fault))

    async def embed(job: Job) -> web.StreamResponse:
        if plan.then.fault is Fault.ERROR_IN_200:
            job.finish("failed")
            return answer(problems.IN_200)
        document, tokens = embedded(asked)
        paid = usage(tokens, 0, 0)
        counted = {name: paid[name] for name in ("prompt_tokens", "total_tokens", "cost")}
        return answer({"id": job.id, **document, "usage": counted})

    call = Call(provider=NAME, id=_generation_id(), model=asked.model, prompt=text, input=body)
    return await serve(request, call, plan, problems.at_work(plan.then, model, text), embed)


async def _images(request: web.Request) -> web.StreamResponse:
    return await images(request, _generation_id())


ROUTES = (
    web.post("/openrouter/api/v1/chat/completions", _authorized(_chat)),
    web.post("/openrouter/api/v1/embeddings", _authorized(_embeddings)),
    web.post("/openrouter/api/v1/images", _authorized(_images)),
)
