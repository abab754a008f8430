"""Server-sent events, sent well or badly."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson
from aiohttp import web

from deploy.simulator.faults import Fault
from deploy.simulator.jobs import Job
from deploy.simulator.rules import Plan
from deploy.simulator.submission import SILENCE_SECONDS, cut
from deploy.simulator.world import WORLD

_MID_STREAM = frozenset((Fault.CUT_STREAM, Fault.STALL, Fault.MALFORMED_CHUNK, Fault.ERROR_IN_200))
# What was written leaves at the next turn of the loop, and a reset throws away what has not left.
_FLUSH_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A streamed answer in frames. `opening` comes before the first token, `chunks` bring the tokens,
    `closing` is the end and the usage. `error` is the frame that takes their place when it fails on its way.
    """

    opening: Sequence[bytes] = ()
    chunks: Sequence[bytes]
    closing: Sequence[bytes]
    error: bytes


def frame(document: object, end: bytes = b"\n\n") -> bytes:
    """One event. Google ends its lines with carriage returns."""
    return b"data: " + orjson.dumps(document) + end


async def send(
    request: web.Request, job: Job, plan: Plan, stream: Stream, headers: Mapping[str, str]
) -> web.StreamResponse:
    """Write the stream as the rule wants it. A caller who does not read to the end cancels the job."""
    sent = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", **headers}
    response = web.StreamResponse(headers=sent)
    await response.prepare(request)
    try:
        whole = await _write(request, response, plan, stream)
    except ConnectionResetError:
        job.finish("cancelled")
        return response
    if not whole:
        job.finish("failed")
    return response


async def _write(request: web.Request, response: web.StreamResponse, plan: Plan, stream: Stream) -> bool:
    """False when the stream did not come to its end."""
    then = plan.then
    for opening in stream.opening:
        await response.write(opening)
    if then.fault is Fault.SLOW_FIRST_TOKEN:
        await asyncio.sleep(then.delay_ms / 1000)
    goes_wrong = min(then.count, len(stream.chunks)) if then.fault in _MID_STREAM else None
    for number, chunk in enumerate(stream.chunks):
        if number == goes_wrong and not await _go_wrong(request, response, then.fault, stream, number):
            return False
        if number and plan.chunk_delay:
            await asyncio.sleep(plan.chunk_delay)
        await response.write(chunk)
    last = len(stream.chunks)
    if goes_wrong == last and not await _go_wrong(request, response, then.fault, stream, last):
        return False
    if then.fault is Fault.MISSING_END:
        return False
    for closing in stream.closing:
        await response.write(closing)
    return True


async def _go_wrong(
    request: web.Request, response: web.StreamResponse, fault: Fault | None, stream: Stream, number: int
) -> bool:
    """Do what the fault wants before chunk `number`; True when the stream goes on."""
    if fault is Fault.MALFORMED_CHUNK:
        following = stream.chunks[number] if number < len(stream.chunks) else stream.closing[0]
        await response.write(following[: len(following) // 2] + b"\n\n")
        return True
    if fault is Fault.ERROR_IN_200:
        await response.write(stream.error)
        return False
    await asyncio.sleep(_FLUSH_SECONDS)
    if fault is Fault.STALL:
        await request.app[WORLD].pause(SILENCE_SECONDS)
    cut(request)
    return False
