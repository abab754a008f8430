"""What fal says of a job: the answer to its submission, its ending, its output, its webhook."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

import orjson

from deploy.simulator import fal_problems as problems
from deploy.simulator.callbacks import Message
from deploy.simulator.faults import Fault
from deploy.simulator.jobs import Job, Problem
from deploy.simulator.signing import WebhookKeys, sign_for_fal
from deploy.simulator.submission import file_names, file_url, polled_at
from deploy.simulator.world import World

_NAMESPACES = ("workflows", "comfy")
_TRIES = 3


def application(model: str) -> str | None:
    """The part of an endpoint id that returned addresses keep; None when it is too short to be one."""
    parts = model.strip("/").split("/")
    kept = 3 if parts[0] in _NAMESPACES else 2
    return "/".join(parts[:kept]) if len(parts) >= kept and all(parts) else None


def accepted(origin: str, job: Job) -> dict[str, Any]:
    """The answer to a submission."""
    base = f"{polled_at(origin, job)}/fal/{application(job.model)}/requests/{job.id}"
    return {
        "request_id": job.id,
        "status": "IN_QUEUE",
        "queue_position": 0,
        "response_url": base,
        "status_url": f"{base}/status",
        "cancel_url": f"{base}/cancel",
    }


def ending(job: Job) -> dict[str, Any]:
    """Metrics, and the error where the status tells it and not only the result."""
    told: dict[str, Any] = {"metrics": {"inference_time": max((job.finished or 0) - job.starts, 0)}}
    problem = problem_of(job)
    if problem is not None and problem.error is not None:
        told |= {"error": problem.error, "error_type": problem.error_type}
    return told


def problem_of(job: Job) -> Problem | None:
    """Why a job that is over has no output."""
    if job.ended == "cancelled":
        return problems.CANCELLED
    return problems.START_DEADLINE if job.ended == "aborted" else job.problem


def output(origin: str, world: World, job: Job) -> dict[str, Any]:
    """The result of a job that succeeded."""
    names = file_names(world, job)
    seed = uuid.UUID(job.id).int % 2**31
    if job.seconds is not None:
        return {"video": _file(origin, world, job, names[0]) if names else None, "seed": seed}
    width, height = job.size
    return {
        "images": [{**_file(origin, world, job, name), "width": width, "height": height} for name in names],
        "description": "",
        "seed": seed,
        "has_nsfw_concepts": [job.then.fault is Fault.NSFW] * len(names),
    }


def _file(origin: str, world: World, job: Job, name: str) -> dict[str, Any]:
    stored = world.files.get(name)
    return {
        "url": file_url(origin, job, name),
        "content_type": "image/png" if job.seconds is None else "video/mp4",
        "file_name": name,
        "file_size": None if stored is None else world.files.length(stored),
    }


def webhook(origin: str, world: World, job: Job) -> tuple[Message]:
    """What the URL of `fal_webhook` gets at the end."""
    problem = problem_of(job)
    document: dict[str, Any] = {"request_id": job.id, "gateway_request_id": job.id}
    if problem is None:
        document |= {"status": "OK", "payload": output(origin, world, job)}
    else:
        error = f"Invalid status code: {problem.status}"
        document |= {"status": "ERROR", "error": error, "payload": problem.body}
    body = orjson.dumps(document)
    return (Message(body, partial(_sign, body, job.id), _TRIES),)


def _sign(body: bytes, request_id: str, keys: WebhookKeys, now: int) -> dict[str, str]:
    return sign_for_fal(keys, body, request_id, now)
