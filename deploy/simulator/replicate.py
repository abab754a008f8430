"""Replicate below `/replicate`: predictions by model and by version, one picture each.

Any model name and any non-empty token will do.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from typing import Any

from aiohttp import web

from deploy.simulator import replicate_documents as documents
from deploy.simulator import replicate_problems as problems
from deploy.simulator.credentials import key_of
from deploy.simulator.faults import Fault
from deploy.simulator.jobs import Job
from deploy.simulator.submission import (
    Submission,
    answer,
    body_of,
    broken_json,
    lost_answer,
    origin,
    prompt_of,
    take,
    tell,
)
from deploy.simulator.video import seconds_asked
from deploy.simulator.world import WORLD

NAME = "replicate"
_LONGEST_WAIT = 60
_WATCH_SECONDS = 0.05
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600}


def _authorized(request: web.Request) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return scheme in ("Bearer", "Token") and bool(token.strip())


async def _create(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    if not _authorized(request):
        return tell(problems.UNAUTHENTICATED)
    body = await body_of(request)
    values = None if body is None else body.get("input")
    if body is None or not isinstance(values, dict):
        return tell(problems.NOT_JSON)
    model = _model(request, body)
    if model is None:
        return tell(problems.invalid("version", "required", "version is required"))
    plan = world.rules.plan(NAME, prompt_of(values), key_of(request))
    video = seconds_asked(model, values, plan.then.video) is not None
    refused = problems.at_submit(plan.then, values, video=video)
    if refused is not None:
        return tell(refused)
    submission = Submission(provider=NAME, model=model, input=values)
    job = take(world, submission, plan, secrets.token_hex(13), problems.at_result(plan.then))
    job.deadline, job.deadline_covers_run = _deadline(request, job), True
    world.inputs.fetch_for(job, _image_urls(values), problems.bad_input)
    _call_back(request, job, body)
    lost = await lost_answer(request, world, job)
    if lost is not None:
        return lost
    wait = _wait_seconds(request)
    in_time = wait is None or await _watch(job, wait)
    return answer(_shown(request, job), 201 if in_time else 202)


def _image_urls(values: dict[str, Any]) -> list[str]:
    single = [values[name] for name in ("image", "start_image") if isinstance(values.get(name), str)]
    return [*values.get("image_input", []), *single]


def _call_back(request: web.Request, job: Job, body: dict[str, Any]) -> None:
    world, here = request.app[WORLD], origin(request)
    events = body.get("webhook_events_filter")
    wanted = events if isinstance(events, list) and events else documents.EVENTS
    world.callbacks.watch(
        job,
        body.get("webhook"),
        at_start=lambda: documents.start_messages(here, world, job, wanted),
        at_end=lambda: documents.end_messages(here, world, job, wanted),
    )


def _model(request: web.Request, body: dict[str, Any]) -> str | None:
    """`owner/name` from the path, or the version from the body; None when neither is there."""
    if "name" in request.match_info:
        return f"{request.match_info['owner']}/{request.match_info['name']}"
    version = body.get("version")
    return version if isinstance(version, str) and version else None


def _wait_seconds(request: web.Request) -> float | None:
    """Seconds of `Prefer: wait[=n]`; None for a client that does not wait."""
    found = re.search(r"\bwait(?:=(\d+))?", request.headers.get("Prefer", ""))
    if found is None:
        return None
    return min(max(int(found[1] or _LONGEST_WAIT), 1), _LONGEST_WAIT)


def _deadline(request: web.Request, job: Job) -> float | None:
    """`Cancel-After: 90s | 5m | 1h | 30` as a moment."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", request.headers.get("Cancel-After", ""))
    return None if found is None else job.submitted + float(found[1]) * _UNIT_SECONDS[found[2] or "s"]


async def _watch(job: Job, seconds: float) -> bool:
    """Wait for the end; False when the time is over before."""
    until = time.time() + seconds
    while job.advance(watched=True) in ("queued", "running"):
        left = until - time.time()
        if left <= 0:
            return False
        await asyncio.sleep(min(left, _WATCH_SECONDS))
    return True


def _shown(request: web.Request, job: Job) -> dict[str, Any]:
    return documents.prediction(origin(request), request.app[WORLD], job, job.advance())


def _find(request: web.Request) -> Job | web.Response:
    if not _authorized(request):
        return tell(problems.UNAUTHENTICATED)
    job = request.app[WORLD].jobs.get(NAME, request.match_info["id"])
    return tell(problems.NOT_FOUND) if job is None else job


async def _get(request: web.Request) -> web.Response:
    job = _find(request)
    if isinstance(job, web.Response):
        return job
    wrong = job.count_poll()
    if wrong and job.then.fault is Fault.POLL_500:
        return tell(problems.SERVER_ERROR)
    if wrong and job.then.strikes(Fault.BAD_JSON, "poll"):
        return broken_json()
    if wrong and job.then.fault is Fault.UNKNOWN_STATUS:
        return answer({**_shown(request, job), "status": "warming"})
    return answer(_shown(request, job))


async def _cancel(request: web.Request) -> web.Response:
    job = _find(request)
    if isinstance(job, web.Response):
        return job
    job.cancel()
    return answer(_shown(request, job))


async def _secret(request: web.Request) -> web.Response:
    if not _authorized(request):
        return tell(problems.UNAUTHENTICATED)
    return answer({"key": request.app[WORLD].callbacks.keys.replicate_secret()})


async def _list(request: web.Request) -> web.Response:
    if not _authorized(request):
        return tell(problems.UNAUTHENTICATED)
    newest = request.app[WORLD].jobs.latest(NAME, 100)
    return answer({"previous": None, "next": None, "results": [_shown(request, job) for job in newest]})


ROUTES = (
    web.get("/replicate/v1/webhooks/default/secret", _secret),
    web.post("/replicate/v1/models/{owner}/{name}/predictions", _create),
    web.post("/replicate/v1/predictions", _create),
    web.get("/replicate/v1/predictions", _list),
    web.get("/replicate/v1/predictions/{id}", _get),
    web.post("/replicate/v1/predictions/{id}/cancel", _cancel),
)
