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

from deploy.simulator.faults import Fault, Then
from deploy.simulator.jobs import Job, Problem, timing, without_big_data
from deploy.simulator.render import Picture
from deploy.simulator.rules import Plan
from deploy.simulator.sizes import pixels
from deploy.simulator.video import Clip, seconds_asked, video_pixels
from deploy.simulator.world import World

SILENCE_SECONDS = 60.0
_BROKEN_JSON = b'{"status": "'
_POLL_FAULTS = frozenset((Fault.POLL_500, Fault.UNKNOWN_STATUS))
# No provider should hand out an address like this; a caller that opens it has been led inside.
_INTERNAL_URL = "http://169.254.169.254/latest/meta-data"


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
    seconds = _seconds_made(submission, plan.then)
    job = Job(
        provider=submission.provider,
        id=job_id,
        model=submission.model,
        prompt=submission.prompt,
        input=without_big_data(dict(submission.input)),
        size=_size_made(submission.input, seconds, plan.then.fault),
        images=_images_made(submission.images if seconds is None else 1, plan.then.fault),
        seconds=seconds,
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


def _size_made(values: Mapping[str, Any], seconds: float | None, fault: Fault | None) -> tuple[int, int]:
    # kie's older models call the aspect ratio a size.
    ratio, resolution = values.get("aspect_ratio", values.get("image_size")), values.get("resolution")
    width, height = pixels(ratio, resolution) if seconds is None else video_pixels(ratio, resolution)
    return (width // 2, height // 2) if fault is Fault.OUTPUT_OTHER_SIZE else (width, height)


def _seconds_made(submission: Submission, then: Then) -> float | None:
    asked = seconds_asked(submission.model, submission.input, then.video)
    return asked / 2 if asked is not None and then.fault is Fault.SHORTER_VIDEO else asked


def _images_made(asked: int, fault: Fault | None) -> int:
    if fault is Fault.EMPTY_OUTPUT:
        return 0
    return asked - 1 if fault is Fault.FEWER_OUTPUTS else asked


def file_names(world: World, job: Job) -> tuple[str, ...]:
    """The files of a job that succeeded; made at the first call."""
    if job.files is None:
        then = job.then
        job.files = tuple(
            world.files.put(_drawing(job, number), then.fault, then.content_type, then.file_bytes)
            for number in range(1, job.images + 1)
        )
    return job.files


def _drawing(job: Job, number: int) -> Picture | Clip:
    width, height = job.size
    title = f"{job.provider} · {width}x{height} · {number} of {job.images}"
    picture = Picture(job.size, title, job.prompt[:1000], job.thumbnails)
    return picture if job.seconds is None else Clip(picture, job.seconds)


def polled_at(origin: str, job: Job) -> str:
    """Scheme and host of the addresses that a job is polled at; of another machine when the rule says so."""
    scheme = origin.partition("://")[0]
    return f"{scheme}://{job.then.host}" if job.then.fault is Fault.FOREIGN_URL else origin


def file_url(origin: str, job: Job, name: str) -> str:
    """The address that a provider gives for a file of its job."""
    return _INTERNAL_URL if job.then.fault is Fault.OUTPUT_INTERNAL else f"{origin}/files/{name}"


async def lost_answer(request: web.Request, world: World, job: Job) -> web.Response | None:
    """The answer of a provider that has the job but does not say so; None when nothing keeps it from it."""
    if job.then.fault is Fault.TIMEOUT:
        await world.pause(SILENCE_SECONDS)
        return cut(request)
    if job.then.fault is Fault.RESET:
        return cut(request)
    return broken_json() if job.then.strikes(Fault.BAD_JSON, "submit") else None


def cut(request: web.Request) -> web.Response:
    """Reset the connection."""
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
