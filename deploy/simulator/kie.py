"""kie.ai below `/kie`: tasks, their records, the balance, links to files.

Any non-empty token will do; the models are those of `kie_models`. There is nothing to cancel a task with.
"""

from __future__ import annotations

import secrets
from typing import Any

from aiohttp import web
from yarl import URL

from deploy.simulator import kie_documents as documents
from deploy.simulator import kie_problems as problems
from deploy.simulator.credentials import key_of
from deploy.simulator.faults import Fault
from deploy.simulator.kie_models import MODELS
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
from deploy.simulator.world import WORLD

NAME = "kie"


def _authorized(request: web.Request) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return scheme == "Bearer" and bool(token.strip())


def _success(data: object) -> web.Response:
    return answer({"code": 200, "msg": "success", "data": data})


async def _create(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    if not _authorized(request):
        return tell(problems.UNAUTHORIZED)
    body = await body_of(request) or {}
    name, values = body.get("model"), body.get("input")
    if not isinstance(name, str) or not isinstance(values, dict):
        return tell(problems.NOT_JSON)
    plan = world.rules.plan(NAME, prompt_of(values), key_of(request))
    refused = problems.at_submit(plan.then)
    if refused is not None:
        return tell(refused)
    model = MODELS.get(name)
    if model is None:
        return tell(problems.NO_MODEL)
    fault = model.fault_in(values)
    if fault is not None:
        return tell(problems.invalid(fault))
    submission = Submission(provider=NAME, model=name, input=values)
    job = take(world, submission, plan, secrets.token_hex(16), problems.at_result(plan.then))
    world.inputs.fetch_for(job, model.image_urls(values), problems.bad_input)
    here, url = origin(request), body.get("callBackUrl")
    job.callback_url = url if isinstance(url, str) else None
    world.callbacks.watch(job, url, at_end=lambda: documents.callback(here, world, job))
    return await lost_answer(request, world, job) or _success({"taskId": job.id})


async def _record(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    if not _authorized(request):
        return tell(problems.UNAUTHORIZED)
    job = world.jobs.get(NAME, request.query.get("taskId", ""))
    if job is None:
        return tell(problems.NO_TASK)
    wrong = job.count_poll()
    if wrong and job.then.fault is Fault.POLL_500:
        return tell(problems.SERVER_ERROR)
    if wrong and job.then.strikes(Fault.BAD_JSON, "poll"):
        return broken_json()
    record: dict[str, Any] = documents.record(origin(request), world, job, job.advance())
    if wrong and job.then.fault is Fault.UNKNOWN_STATUS:
        record["state"] = "warming"
    return _success(record)


async def _credit(request: web.Request) -> web.Response:
    if not _authorized(request):
        return tell(problems.UNAUTHORIZED)
    return _success(documents.BALANCE)


async def _download_url(request: web.Request) -> web.Response:
    """A link to a generated file that goes by itself; here the file's own address with a token."""
    if not _authorized(request):
        return tell(problems.UNAUTHORIZED)
    url = (await body_of(request) or {}).get("url")
    name = url.rpartition("/files/")[2] if isinstance(url, str) else ""
    if request.app[WORLD].files.get(name) is None:
        return tell(problems.NOT_OURS)
    return _success(str(URL(f"{origin(request)}/files/{name}").with_query(token=secrets.token_urlsafe(16))))


ROUTES = (
    web.post("/kie/api/v1/jobs/createTask", _create),
    web.get("/kie/api/v1/jobs/recordInfo", _record),
    web.get("/kie/api/v1/chat/credit", _credit),
    web.post("/kie/api/v1/common/download-url", _download_url),
)
