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

from deploy.simulator import replicate_problems as problems
from deploy.simulator.clock import rfc3339, rfc3339_or_none
from deploy.simulator.faults import Fault
from deploy.simulator.jobs import Job, State
from deploy.simulator.submission import (
    Submission,
    answer,
    body_of,
    broken_json,
    file_names,
    lost_answer,
    origin,
    prompt_of,
    take,
    tell,
)
from deploy.simulator.world import WORLD

NAME = "replicate"
_LONGEST_WAIT = 60
_WATCH_SECONDS = 0.05
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600}
_STATUS: dict[State, str] = {
    "queued": "starting",
    "running": "processing",
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "canceled",
    "aborted": "aborted",
}


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
    plan = world.rules.plan(NAME, prompt_of(values))
    refused = problems.at_submit(plan.then, values)
    if refused is not None:
        return tell(refused)
    submission = Submission(provider=NAME, model=model, input=values)
    job = take(world, submission, plan, secrets.token_hex(13), problems.at_result(plan.then))
    job.deadline, job.deadline_covers_run = _deadline(request, job), True
    world.inputs.fetch_for(job, values.get("image_input", []), problems.bad_input)
    lost = await lost_answer(request, world, job)
    if lost is not None:
        return lost
    wait = _wait_seconds(request)
    in_time = wait is None or await _watch(job, wait)
    return answer(_prediction(request, job), 201 if in_time else 202)


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


def _prediction(request: web.Request, job: Job) -> dict[str, Any]:
    state = job.advance()
    host = job.then.host if job.then.fault is Fault.FOREIGN_URL else request.host
    base = f"{request.scheme}://{host}/replicate/v1/predictions/{job.id}"
    model, _, version = job.model.partition(":")
    return {
        "id": job.id,
        "model": model if "/" in model else f"unknown/{model[:8]}",
        "version": version or ("hidden" if "/" in model else model),
        "input": job.input,
        "output": _output(request, job) if state == "succeeded" else None,
        "logs": "",
        "error": job.problem.error if job.problem and state == "failed" else None,
        "status": _STATUS[state],
        "created_at": rfc3339(job.submitted),
        "started_at": None if state in ("queued", "aborted") else rfc3339(job.starts),
        "completed_at": rfc3339_or_none(job.finished),
        "deadline": rfc3339_or_none(job.deadline),
        "data_removed": False,
        "metrics": _metrics(job),
        "urls": {
            "get": base,
            "cancel": f"{base}/cancel",
            "stream": f"{base}/stream",
            "web": f"{origin(request)}/p/{job.id}",
        },
    }


def _output(request: web.Request, job: Job) -> str | list[str]:
    names = file_names(request.app[WORLD], job)
    return f"{origin(request)}/files/{names[0]}" if names else []


def _metrics(job: Job) -> dict[str, float]:
    if job.finished is None:
        return {}
    metrics = {"total_time": job.finished - job.submitted}
    if job.finished >= job.starts:
        metrics["predict_time"] = job.finished - job.starts
    return metrics | ({"image_count": job.images} if job.ended == "succeeded" else {})


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
        return answer({**_prediction(request, job), "status": "warming"})
    return answer(_prediction(request, job))


async def _cancel(request: web.Request) -> web.Response:
    job = _find(request)
    if isinstance(job, web.Response):
        return job
    job.cancel()
    return answer(_prediction(request, job))


async def _list(request: web.Request) -> web.Response:
    if not _authorized(request):
        return tell(problems.UNAUTHENTICATED)
    newest = request.app[WORLD].jobs.latest(NAME, 100)
    return answer({"previous": None, "next": None, "results": [_prediction(request, job) for job in newest]})


ROUTES = (
    web.post("/replicate/v1/models/{owner}/{name}/predictions", _create),
    web.post("/replicate/v1/predictions", _create),
    web.get("/replicate/v1/predictions", _list),
    web.get("/replicate/v1/predictions/{id}", _get),
    web.post("/replicate/v1/predictions/{id}/cancel", _cancel),
)
