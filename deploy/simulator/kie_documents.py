"""What kie.ai says of a task: its record, and the callback that carries it."""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson

from deploy.simulator.callbacks import Message
from deploy.simulator.jobs import Job, State
from deploy.simulator.kie_models import MODELS
from deploy.simulator.signing import WebhookKeys, sign_for_kie
from deploy.simulator.submission import file_names, file_url
from deploy.simulator.world import World

BALANCE = 10_000.0
_RUNNING = {"queued": "queuing", "running": "generating"}


def record(origin: str, world: World, job: Job, state: State) -> dict[str, Any]:
    """The `data` of recordInfo. `param` and `resultJson` are JSON in strings, times are milliseconds."""
    failed = state not in ("queued", "running", "succeeded")
    problem = job.problem if failed else None
    document = {
        "taskId": job.id,
        "model": job.model,
        "state": "fail" if failed else _state(job, state),
        "param": _param(job),
        "resultJson": _result(origin, world, job) if state == "succeeded" else "",
        "failCode": (problem.error_type if problem else "") or "",
        "failMsg": (problem.error if problem else "") or "",
        "costTime": None if job.finished is None else round(job.finished - job.submitted),
        "completeTime": None if job.finished is None else _milliseconds(job.finished),
        "createTime": _milliseconds(job.submitted),
        "updateTime": _milliseconds(job.finished or (job.starts if state == "running" else job.submitted)),
    }
    return document | ({"consumeCredits": _credits(job)} if state == "succeeded" else {})


def _state(job: Job, state: State) -> str:
    if state == "succeeded":
        return "success"
    return "waiting" if state == "queued" and job.polls <= 1 else _RUNNING[state]


def _param(job: Job) -> str:
    """The whole request as it was made."""
    callback = {} if job.callback_url is None else {"callBackUrl": job.callback_url}
    return orjson.dumps({"model": job.model, **callback, "input": job.input}).decode()


def _result(origin: str, world: World, job: Job) -> str:
    urls = [file_url(origin, job, name) for name in file_names(world, job)]
    return orjson.dumps({"resultUrls": urls}).decode()


def _credits(job: Job) -> float:
    return MODELS[job.model].cost(job.input)


def _milliseconds(at: float) -> int:
    return int(at * 1000)


def callback(origin: str, world: World, job: Job) -> tuple[Message]:
    """What `callBackUrl` gets at the end."""
    state = job.advance()
    done = state == "succeeded"
    spent = _credits(job) if done else 0
    data = {**record(origin, world, job, state), "consumeCredits": spent, "remainedCredits": BALANCE}
    code, text = (
        (200, "Playground task completed successfully.") if done else (501, "Playground task failed.")
    )
    body = orjson.dumps({"code": code, "msg": text, "data": data})
    return (Message(body, partial(_sign, job.id)),)


def _sign(task_id: str, keys: WebhookKeys, now: int) -> dict[str, str]:
    return sign_for_kie(keys, task_id, now)
