"""The fal queue below `/fal`: submit, status, result, cancel.

Any application name and any non-empty key will do. A path with `edit` in it, or an input with `image_urls`,
is an edit.
"""

from __future__ import annotations

import uuid
from typing import Any

from aiohttp import web

from deploy.simulator import fal_documents as documents
from deploy.simulator import fal_problems as problems
from deploy.simulator.clock import rfc3339
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

NAME = "fal"


def _authorized(request: web.Request) -> bool:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return scheme == "Key" and bool(key.strip())


async def _submit(request: web.Request) -> web.Response:
    world, model = request.app[WORLD], request.match_info["model"]
    if not _authorized(request):
        return tell(problems.UNAUTHORIZED)
    if documents.application(model) is None:
        return tell(problems.unknown_application(model))
    values = await body_of(request)
    if values is None:
        return tell(problems.NOT_JSON)
    plan = world.rules.plan(NAME, prompt_of(values), key_of(request))
    refused = problems.at_submit(plan.then, model)
    if refused is not None:
        return tell(refused)
    edit = "edit" in model.split("/")
    asked = values.get("num_images", 1)
    video = seconds_asked(model, values, plan.then.video) is not None
    problem = problems.at_result(plan.then, values, edit=edit, video=video)
    submission = Submission(
        provider=NAME, model=model, input=values, images=asked if isinstance(asked, int) else 1
    )
    job = take(world, submission, plan, str(uuid.uuid4()), problem)
    job.deadline = _start_deadline(request, job)
    world.inputs.fetch_for(job, _image_urls(values), problems.bad_input)
    here = origin(request)
    world.callbacks.watch(
        job, request.query.get("fal_webhook"), at_end=lambda: documents.webhook(here, world, job)
    )
    return await lost_answer(request, world, job) or answer(documents.accepted(here, job))


def _start_deadline(request: web.Request, job: Job) -> float | None:
    try:
        return job.submitted + float(request.headers["X-Fal-Request-Timeout"])
    except (KeyError, ValueError):
        return None


def _image_urls(values: dict[str, Any]) -> list[str]:
    urls = values.get("image_urls") or [values.get("image_url")]
    return [url for url in urls if isinstance(url, str)] if isinstance(urls, list) else []


def _find(request: web.Request) -> Job | web.Response:
    if not _authorized(request):
        return tell(problems.UNAUTHORIZED)
    job = request.app[WORLD].jobs.get(NAME, request.match_info["request_id"])
    if job is None or documents.application(job.model) != request.match_info["application"]:
        return tell(problems.NO_REQUEST)
    return job


async def _status(request: web.Request) -> web.Response:
    job = _find(request)
    if isinstance(job, web.Response):
        return job
    if job.count_poll():
        if job.then.fault is Fault.POLL_500:
            return tell(problems.request_problem(500, "Internal server error", "internal_error"))
        if job.then.fault is Fault.UNKNOWN_STATUS:
            return answer({"status": "WARMING_UP", "request_id": job.id, "logs": []}, 202)
        if job.then.strikes(Fault.BAD_JSON, "poll"):
            return broken_json()
    state = job.advance()
    head = {"request_id": job.id, "response_url": documents.accepted(origin(request), job)["response_url"]}
    if state == "queued":
        return answer({"status": "IN_QUEUE", "queue_position": 0, **head}, 202)
    wants_logs = request.query.get("logs", "").lower() in ("1", "true")
    log = {"message": "drawing", "level": "INFO", "timestamp": rfc3339(job.starts)}
    logs = [log] if wants_logs else []
    if state == "running":
        return answer({"status": "IN_PROGRESS", "logs": logs, **head}, 202)
    return answer({"status": "COMPLETED", "logs": logs, **documents.ending(job), **head})


async def _result(request: web.Request) -> web.Response:
    job = _find(request)
    if isinstance(job, web.Response):
        return job
    if job.advance() in ("queued", "running"):
        return tell(problems.IN_PROGRESS)
    problem = documents.problem_of(job)
    ours = {"X-Fal-Request-Id": job.id}
    if problem is not None:
        return answer(problem.body, problem.status, {**problem.headers, **ours})
    units = f"{job.images if job.seconds is None else job.seconds:g}"
    output = documents.output(origin(request), request.app[WORLD], job)
    return answer(output, headers={**ours, "X-Fal-Billable-Units": units})


async def _cancel(request: web.Request) -> web.Response:
    job = _find(request)
    if isinstance(job, web.Response):
        return answer({"status": "NOT_FOUND"}, 404) if job.status == 404 else job
    if job.cancel():
        return answer({"status": "CANCELLATION_REQUESTED"}, 202)
    return answer({"status": "ALREADY_COMPLETED"}, 400)


_REQUEST = "/fal/{application:.+}/requests/{request_id}"
ROUTES = (
    web.get(f"{_REQUEST}/status", _status),
    web.get(_REQUEST, _result),
    web.put(f"{_REQUEST}/cancel", _cancel),
    web.post("/fal/{model:.+}", _submit),
)
