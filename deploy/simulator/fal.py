"""The fal queue below `/fal`: submit, status, result, cancel.

Any application name and any non-empty key will do. A path with `edit` in it, or an input with `image_urls`,
is an edit.
"""

from __future__ import annotations

import uuid
from typing import Any

from aiohttp import web

from deploy.simulator import fal_problems as problems
from deploy.simulator.clock import rfc3339
from deploy.simulator.faults import Fault
from deploy.simulator.jobs import Job, Problem
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
from deploy.simulator.world import WORLD, World

NAME = "fal"
_NAMESPACES = ("workflows", "comfy")


def _authorized(request: web.Request) -> bool:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return scheme == "Key" and bool(key.strip())


def _application(model: str) -> str | None:
    """The part of an endpoint id that returned addresses keep; None when it is too short to be one."""
    parts = model.strip("/").split("/")
    kept = 3 if parts[0] in _NAMESPACES else 2
    return "/".join(parts[:kept]) if len(parts) >= kept and all(parts) else None


async def _submit(request: web.Request) -> web.Response:
    world, model = request.app[WORLD], request.match_info["model"]
    if not _authorized(request):
        return tell(problems.UNAUTHORIZED)
    if _application(model) is None:
        return tell(problems.unknown_application(model))
    values = await body_of(request)
    if values is None:
        return tell(problems.NOT_JSON)
    plan = world.rules.plan(NAME, prompt_of(values))
    refused = problems.at_submit(plan.then, model)
    if refused is not None:
        return tell(refused)
    edit = "edit" in model.split("/")
    asked = values.get("num_images", 1)
    problem = problems.at_result(plan.then, values, edit=edit)
    submission = Submission(
        provider=NAME, model=model, input=values, images=asked if isinstance(asked, int) else 1
    )
    job = take(world, submission, plan, str(uuid.uuid4()), problem)
    job.deadline = _start_deadline(request, job)
    world.inputs.fetch_for(job, _image_urls(values), problems.bad_input)
    return await lost_answer(request, world, job) or answer(_accepted(request, job))


def _start_deadline(request: web.Request, job: Job) -> float | None:
    try:
        return job.submitted + float(request.headers["X-Fal-Request-Timeout"])
    except (KeyError, ValueError):
        return None


def _image_urls(values: dict[str, Any]) -> list[str]:
    urls = values.get("image_urls")
    return [url for url in urls if isinstance(url, str)] if isinstance(urls, list) else []


def _accepted(request: web.Request, job: Job) -> dict[str, Any]:
    host = job.then.host if job.then.fault is Fault.FOREIGN_URL else request.host
    base = f"{request.scheme}://{host}/{NAME}/{_application(job.model)}/requests/{job.id}"
    return {
        "request_id": job.id,
        "status": "IN_QUEUE",
        "queue_position": 0,
        "response_url": base,
        "status_url": f"{base}/status",
        "cancel_url": f"{base}/cancel",
    }


def _find(request: web.Request) -> Job | web.Response:
    if not _authorized(request):
        return tell(problems.UNAUTHORIZED)
    job = request.app[WORLD].jobs.get(NAME, request.match_info["request_id"])
    if job is None or _application(job.model) != request.match_info["application"]:
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
    head = {"request_id": job.id, "response_url": _accepted(request, job)["response_url"]}
    if state == "queued":
        return answer({"status": "IN_QUEUE", "queue_position": 0, **head}, 202)
    wants_logs = request.query.get("logs", "").lower() in ("1", "true")
    log = {"message": "drawing", "level": "INFO", "timestamp": rfc3339(job.starts)}
    logs = [log] if wants_logs else []
    if state == "running":
        return answer({"status": "IN_PROGRESS", "logs": logs, **head}, 202)
    return answer({"status": "COMPLETED", "logs": logs, **_ending(job), **head})


def _ending(job: Job) -> dict[str, Any]:
    """Metrics, and the error where the status tells it and not only the result."""
    ending: dict[str, Any] = {"metrics": {"inference_time": max((job.finished or 0) - job.starts, 0)}}
    problem = _problem(job)
    if problem is not None and problem.error is not None:
        ending |= {"error": problem.error, "error_type": problem.error_type}
    return ending


def _problem(job: Job) -> Problem | None:
    if job.ended == "cancelled":
        return problems.CANCELLED
    return problems.START_DEADLINE if job.ended == "aborted" else job.problem


async def _result(request: web.Request) -> web.Response:
    job = _find(request)
    if isinstance(job, web.Response):
        return job
    if job.advance() in ("queued", "running"):
        return tell(problems.IN_PROGRESS)
    ours = {"X-Fal-Request-Id": job.id}
    problem = _problem(job)
    if problem is not None:
        return answer(problem.body, problem.status, {**problem.headers, **ours})
    names = file_names(request.app[WORLD], job)
    images = [_image(request, request.app[WORLD], job, name) for name in names]
    return answer(
        {
            "images": images,
            "description": "",
            "seed": uuid.UUID(job.id).int % 2**31,
            "has_nsfw_concepts": [False] * len(images),
        },
        headers={**ours, "X-Fal-Billable-Units": str(len(images))},
    )


def _image(request: web.Request, world: World, job: Job, name: str) -> dict[str, Any]:
    stored = world.files.get(name)
    width, height = job.size
    return {
        "url": f"{origin(request)}/files/{name}",
        "content_type": "image/png",
        "file_name": name,
        "file_size": None if stored is None else len(world.files.gallery.get(stored.picture)),
        "width": width,
        "height": height,
    }


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
