"""OpenAI below `/openai/v1`: chat completions, embeddings, images, models.

Any non-empty key and any model name will do. Every answer has an `x-request-id`, which is the job's id.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from deploy.simulator import openai_problems as problems
from deploy.simulator.calls import Call, refuse, serve
from deploy.simulator.chat import BadRequest, ChatRequest, prompt_of, read_chat
from deploy.simulator.chat_answers import DONE, Completion
from deploy.simulator.credentials import key_of
from deploy.simulator.embeddings import embedded, read_embedding, texts_of
from deploy.simulator.events import Stream, frame, send
from deploy.simulator.jobs import Job
from deploy.simulator.openai_images import edits, generations
from deploy.simulator.replies import Reply, reply_to
from deploy.simulator.submission import answer, body_of, tell
from deploy.simulator.world import WORLD

NAME = "openai"
_MODELS = ("gpt-image-2", "gpt-image-1.5", "gpt-4.1-mini", "text-embedding-3-large", "text-embedding-3-small")
_CREATED = 1_767_225_600

Handler = Callable[[web.Request, str], Awaitable[web.StreamResponse]]


def _signed(handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler for callers with a key; gives it the request id and puts that on its answer."""

    async def handle(request: web.Request) -> web.StreamResponse:
        request_id = f"req_{secrets.token_hex(16)}"
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not key.strip():
            response: web.StreamResponse = tell(problems.UNAUTHORIZED)
        else:
            response = await handler(request, request_id)
        if not response.prepared:
            response.headers["x-request-id"] = request_id
        return response

    return handle


async def _chat(request: web.Request, request_id: str) -> web.StreamResponse:
    body = await body_of(request)
    if body is None:
        return tell(problems.NOT_JSON)
    plan = request.app[WORLD].rules.plan(NAME, prompt_of(body), key_of(request))
    refused = problems.at_submit(plan.then, str(body.get("model")), field="messages")
    if refused is not None:
        return await refuse(plan, refused)
    try:
        asked = read_chat(body)
    except BadRequest as fault:
        return tell(problems.bad_request(fault))

    async def complete(job: Job) -> web.StreamResponse:
        completion = _completion(asked, reply_to(asked.wish, plan.then), job)
        if not asked.stream:
            return answer(completion.body())
        headers = {"x-request-id": request_id}
        return await send(request, job, plan, _stream(asked, completion), headers)

    call = Call(provider=NAME, id=request_id, model=asked.model, prompt=asked.wish.prompt, input=body)
    return await serve(request, call, plan, problems.at_work(plan.then, image=False), complete)


def _completion(asked: ChatRequest, reply: Reply, job: Job) -> Completion:
    return Completion(
        head={
            "id": f"chatcmpl-{job.id.removeprefix('req_')}",
            "created": int(time.time()),
            "model": asked.model,
            "service_tier": "default",
            "system_fingerprint": "fp_simulator",
        },
        reply=reply,
        usage={
            "prompt_tokens": asked.prompt_tokens,
            "completion_tokens": reply.tokens,
            "total_tokens": asked.prompt_tokens + reply.tokens,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
    )


def _stream(asked: ChatRequest, completion: Completion) -> Stream:
    usage = [completion.usage_chunk()] if asked.include_usage else []
    return Stream(
        opening=[completion.chunk({"role": "assistant", "content": "", "refusal": None})],
        chunks=completion.chunks(),
        closing=[completion.end(), *usage, DONE],
        error=frame(problems.IN_STREAM),
    )


async def _embeddings(request: web.Request, request_id: str) -> web.StreamResponse:
    body = await body_of(request)
    if body is None:
        return tell(problems.NOT_JSON)
    text = texts_of(body)
    plan = request.app[WORLD].rules.plan(NAME, text, key_of(request))
    refused = problems.at_submit(plan.then, str(body.get("model")), field="input")
    if refused is not None:
        return await refuse(plan, refused)
    try:
        asked = read_embedding(body)
    except BadRequest as fault:
        return tell(problems.bad_request(fault))

    async def embed(_: Job) -> web.StreamResponse:
        document, tokens = embedded(asked)
        return answer({**document, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}})

    call = Call(provider=NAME, id=request_id, model=asked.model, prompt=text, input=body)
    return await serve(request, call, plan, problems.at_work(plan.then, image=False), embed)


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": "system"}


async def _models(_: web.Request, __: str) -> web.StreamResponse:
    return answer({"object": "list", "data": [_model(name) for name in _MODELS]})


async def _one_model(request: web.Request, _: str) -> web.StreamResponse:
    return answer(_model(request.match_info["model"]))


ROUTES = (
    web.post("/openai/v1/chat/completions", _signed(_chat)),
    web.post("/openai/v1/embeddings", _signed(_embeddings)),
    web.post("/openai/v1/images/generations", _signed(generations)),
    web.post("/openai/v1/images/edits", _signed(edits)),
    web.get("/openai/v1/models", _signed(_models)),
    web.get("/openai/v1/models/{model}", _signed(_one_model)),
)
