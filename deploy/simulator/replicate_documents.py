"""What Replicate says of a job: the prediction, and the webhooks that carry it."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from functools import partial
from typing import Any

import orjson

from deploy.simulator.callbacks import Message
from deploy.simulator.clock import rfc3339, rfc3339_or_none
from deploy.simulator.faults import Fault
from deploy.simulator.jobs import Job, State
from deploy.simulator.signing import WebhookKeys, sign_for_replicate
from deploy.simulator.submission import file_names, file_url, polled_at
from deploy.simulator.world import World

EVENTS = ("start", "output", "logs", "completed")
_TRIES_WHEN_COMPLETED = 3
_STATUS: dict[State, str] = {
    "queued": "starting",
    "running": "processing",
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "canceled",
    "aborted": "aborted",
}


def prediction(origin: str, world: World, job: Job, state: State) -> dict[str, Any]:
    """The prediction as it is in `state`."""
    base = f"{polled_at(origin, job)}/replicate/v1/predictions/{job.id}"
    model, _, version = job.model.partition(":")
    removed = state == "succeeded" and job.then.fault is Fault.DATA_REMOVED
    over = state not in ("queued", "running")
    return {
        "id": job.id,
        "model": model if "/" in model else f"unknown/{model[:8]}",
        "version": version or ("hidden" if "/" in model else model),
        "input": job.input,
        "output": _output(origin, world, job) if state == "succeeded" and not removed else None,
        "logs": "",
        "error": job.problem.error if job.problem and state == "failed" else None,
        "status": _STATUS[state],
        "created_at": rfc3339(job.submitted),
        "started_at": None if state in ("queued", "aborted") else rfc3339(job.starts),
        "completed_at": rfc3339_or_none(job.finished) if over else None,
        "deadline": rfc3339_or_none(job.deadline),
        "data_removed": removed,
        "metrics": _metrics(job) if over else {},
        "urls": {
            "get": base,
            "cancel": f"{base}/cancel",
            "stream": f"{base}/stream",
            "web": f"{origin}/p/{job.id}",
        },
    }


def _output(origin: str, world: World, job: Job) -> str | list[str]:
    names = file_names(world, job)
    return file_url(origin, job, names[0]) if names else []


def _metrics(job: Job) -> dict[str, float]:
    if job.finished is None:
        return {}
    metrics = {"total_time": job.finished - job.submitted}
    if job.finished >= job.starts and job.ended != "aborted":
        metrics["predict_time"] = job.finished - job.starts
    if job.ended != "succeeded":
        return metrics
    made = (
        {"image_count": job.images} if job.seconds is None else {"video_output_duration_seconds": job.seconds}
    )
    return metrics | made


def start_messages(origin: str, world: World, job: Job, wanted: Collection[str]) -> list[Message]:
    """What the webhook gets when the prediction starts."""
    return [_message(prediction(origin, world, job, "running"))] if "start" in wanted else []


def end_messages(origin: str, world: World, job: Job, wanted: Collection[str]) -> list[Message]:
    """What it gets at the end: the output while the prediction still runs, then the whole of it.

    The simulator writes no logs, so nothing is sent for them.
    """
    messages: list[Message] = []
    last = prediction(origin, world, job, job.advance())
    if "output" in wanted and last["output"]:
        now_running = prediction(origin, world, job, "running")
        messages.append(_message({**now_running, "output": last["output"]}))
    if "completed" in wanted:
        messages.append(_message(last, _TRIES_WHEN_COMPLETED))
    return messages


def _message(document: dict[str, Any], tries: int = 1) -> Message:
    body = orjson.dumps(document)
    return Message(body, partial(_sign, body, f"msg_{secrets.token_hex(12)}"), tries)


def _sign(body: bytes, message_id: str, keys: WebhookKeys, now: int) -> dict[str, str]:
    return sign_for_replicate(keys, body, message_id, now)
