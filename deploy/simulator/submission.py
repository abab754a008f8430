"""Taking a submission: the same steps for every provider."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from deploy.simulator.faults import Fault
from deploy.simulator.jobs import Job, Problem, timing, without_big_data
from deploy.simulator.render import Picture
from deploy.simulator.rules import Plan
from deploy.simulator.sizes import pixels
from deploy.simulator.world import World

_SILENCE_SECONDS = 60.0
_BROKEN_JSON = b'{"status": "'
_POLL_FAULTS = frozenset((Fault.POLL_500, Fault.UNKNOWN_STATUS))
_FILE_FAULTS = frozenset((Fault.OUTPUT_404, Fault.OUTPUT_HTML, Fault.OUTPUT_SLOW))


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A well-formed request for pictures. `images`: how many are asked for."""

    provider: str
    model: str
    input: Mapping[str, Any]
    images: int = 1

    @property
    def prompt(self) -> str:
        return prompt_of(self.input)


def prompt_of(values: Mapping[str, Any]) -> str:
    """The prompt of a model input, empty when there is none."""
    prompt = values.get("prompt")
    return prompt if isinstance(prompt, str) else ""


async def body_of(request: web.Request) -> dict[str, Any] | None:
    """The JSON object in the body; None when there is no such thing."""
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def take(world: World, submission: Submission, plan: Plan, job_id: str, problem: Problem | None) -> Job:
    """Enter the job into the book; from here on the provider has it."""
    now = time.time()
    starts, due = timing(now, plan.latency, plan.then)
    job = Job(
        provider=submission.provider,
        id=job_id,
        model=submission.model,
        prompt=submission.prompt,
        input=without_big_data(dict(submission.input)),
        size=pixels(submission.input.get("aspect_ratio"), submission.input.get("resolution")),
        images=_images_made(submission.images, plan.then.fault),
        then=plan.then,
        submitted=now,
        starts=starts,
        due=due,
        min_polls=_polls_needed(plan),
        problem=problem,
    )
    world.jobs.add(job)
    return job


def _polls_needed(plan: Plan) -> int:
    """A job does not end unseen behind polls that go wrong."""
    wrong = plan.then.fault in _POLL_FAULTS or plan.then.strikes(Fault.BAD_JSON, "poll")
    return max(plan.polls, plan.then.count + 1) if wrong else plan.polls


def _images_made(asked: int, fault: Fault | None) -> int:
    if fault is Fault.EMPTY_OUTPUT:
        return 0
    return asked - 1 if fault is Fault.FEWER_OUTPUTS else asked


def file_names(world: World, job: Job) -> tuple[str, ...]:
    """The files of a job that succeeded; made at the first call."""
    if job.files is None:
        width, height = job.size
        fault = job.then.fault if job.then.fault in _FILE_FAULTS else None
        job.files = tuple(
            world.files.put(
                Picture(
                    job.size,
                    f"{job.provider} · {width}x{height} · {number} of {job.images}",
                    job.prompt[:1000],
                    job.thumbnails,
                ),
                fault,
            )
            for number in range(1, job.images + 1)
        )
    return job.files


async def lost_answer(request: web.Request, world: World, job: Job) -> web.Response | None:
    """The answer of a provider that has the job but does not say so; None when nothing keeps it from it."""
    if job.then.fault is Fault.TIMEOUT:
        await world.pause(_SILENCE_SECONDS)
        return _cut(request)
    if job.then.fault is Fault.RESET:
        return _cut(request)
    return broken_json() if job.then.strikes(Fault.BAD_JSON, "submit") else None


def _cut(request: web.Request) -> web.Response:
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None:
            # Lingering for zero seconds turns the close into a reset.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    # Nothing of this leaves: the connection is gone.
    return web.Response(status=500)


def broken_json() -> web.Response:
    """A success whose body ends in the middle of a word."""
    return web.Response(body=_BROKEN_JSON, content_type="application/json")


def answer(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON response."""
    return web.Response(
        body=orjson.dumps(document), status=status, headers=headers, content_type="application/json"
    )


def tell(problem: Problem) -> web.Response:
    """The HTTP answer of a problem."""
    return answer(problem.body, problem.status, problem.headers)


def origin(request: web.Request) -> str:
    """Scheme and host under which the caller reached this server."""
    return f"{request.scheme}://{request.host}"
