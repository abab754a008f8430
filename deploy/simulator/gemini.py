"""Gemini below `/gemini/v1beta` (and `/gemini/v1`): content, streamed content, embeddings.

Any non-empty key and any model name will do; a model with `image` in its name draws unless it is told not to.
"""

from __future__ import annotations

import secrets

from aiohttp import web

from deploy.simulator import gemini_problems as problems
from deploy.simulator.calls import Call, refuse, serve
from deploy.simulator.credentials import key_of
from deploy.simulator.events import send
from deploy.simulator.faults import Fault
from deploy.simulator.gemini_answers import content
from deploy.simulator.gemini_embeddings import read_embeddings, texts_of
from deploy.simulator.gemini_problems import BadRequest
from deploy.simulator.gemini_requests import prompt_of, read_content
from deploy.simulator.jobs import Job
from deploy.simulator.pictures import in_base64, thumbnails
from deploy.simulator.submission import answer, body_of, tell
from deploy.simulator.vectors import vector
from deploy.simulator.world import WORLD

NAME = "gemini"
_PICTURELESS = frozenset(
    (
        Fault.REFUSAL,
        Fault.CONTENT_FILTER,
        Fault.NO_MEDIA_GENERATED,
        Fault.EMPTY_OUTPUT,
        Fault.FEWER_OUTPUTS,
    )
)
_FAILED = frozenset((Fault.REFUSAL, Fault.NO_MEDIA_GENERATED))


def _authorized(request: web.Request) -> bool:
    key = request.headers.get("x-goog-api-key") or request.query.get("key") or ""
    return bool(key.strip())


async def _generate(request: web.Request) -> web.StreamResponse:
    return await _content(request, streamed=False)


async def _stream(request: web.Request) -> web.StreamResponse:
    """With `alt=sse` events, else a list; errors come in a list of one either way."""
    response = await _content(request, streamed=True)
    if isinstance(response, web.Response) and response.status >= 400 and isinstance(response.body, bytes):
        response.body = b"[" + response.body + b"]"
    return response


async def _content(request: web.Request, *, streamed: bool) -> web.StreamResponse:
    world, model = request.app[WORLD], request.match_info["model"]
    if not _authorized(request):
        return tell(problems.UNREGISTERED)
    body = await body_of(request)
    if body is None:
        return tell(problems.NOT_JSON)
    plan = world.rules.plan(NAME, prompt_of(body), key_of(request))
    refused = problems.at_submit(plan.then, model)
    if refused is not None:
        return await refuse(plan, refused)
    try:
        asked = read_content(model, body)
        shown = await thumbnails(asked.pictures) if asked.draws else ()
    except BadRequest as fault:
        return tell(problems.bad_request(fault))
    except OSError:
        return tell(problems.UNREADABLE_IMAGE)

    async def generate(job: Job) -> web.StreamResponse:
        job.thumbnails = shown
        made = content(model, job.id, asked, plan.then, await in_base64(world, job))
        if plan.then.fault in _FAILED:
            job.finish("failed")
        if streamed and request.query.get("alt") == "sse":
            return await send(request, job, plan, made.stream(), {})
        return answer([made.body()] if streamed else made.body())

    call = Call(
        provider=NAME,
        id=secrets.token_urlsafe(16),
        model=model,
        prompt=asked.wish.prompt,
        input=body,
        size=asked.size,
        images=1 if asked.draws and plan.then.fault not in _PICTURELESS else 0,
    )
    return await serve(request, call, plan, problems.at_work(plan.then), generate)


async def _embed(request: web.Request) -> web.StreamResponse:
    return await _embeddings(request, batch=False)


async def _embed_batch(request: web.Request) -> web.StreamResponse:
    return await _embeddings(request, batch=True)


async def _embeddings(request: web.Request, *, batch: bool) -> web.StreamResponse:
    model = request.match_info["model"]
    if not _authorized(request):
        return tell(problems.UNREGISTERED)
    body = await body_of(request)
    if body is None:
        return tell(problems.NOT_JSON)
    items = body.get("requests") if batch else [body]
    text = texts_of(items)
    plan = request.app[WORLD].rules.plan(NAME, text, key_of(request))
    refused = problems.at_submit(plan.then, model)
    if refused is not None:
        return await refuse(plan, refused)
    try:
        asked = read_embeddings(items)
    except BadRequest as fault:
        return tell(problems.bad_request(fault))

    async def embed(_: Job) -> web.StreamResponse:
        made = [{"values": vector(text, dimensions)} for text, dimensions in asked]
        return answer({"embeddings": made} if batch else {"embedding": made[0]})

    call = Call(provider=NAME, id=secrets.token_urlsafe(16), model=model, prompt=text, input=body)
    return await serve(request, call, plan, problems.at_work(plan.then), embed)


_MODEL = "/gemini/{version:v1|v1beta}/models/{model:[^:]+}"
ROUTES = (
    web.post(f"{_MODEL}:generateContent", _generate),
    web.post(f"{_MODEL}:streamGenerateContent", _stream),
    web.post(f"{_MODEL}:embedContent", _embed),
    web.post(f"{_MODEL}:batchEmbedContents", _embed_batch),
)
