"""Calls that are answered on the connection they came on: one call, one job."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from deploy.simulator.jobs import Job, Problem, without_big_data
from deploy.simulator.rules import Plan
from deploy.simulator.submission import lost_answer, tell
from deploy.simulator.world import WORLD, World

Answer = Callable[[Job], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A well-formed call. `size`: of each picture in pixels. `images`: how many are asked for."""

    provider: str
    id: str
    model: str
    prompt: str
    input: Mapping[str, Any]
    size: tuple[int, int] = (0, 0)
    images: int = 0


async def refuse(plan: Plan, problem: Problem) -> web.Response:
    """The answer to a call that the provider does not take; no job."""
    await _wait(plan)
    return tell(problem)


async def serve(
    request: web.Request, call: Call, plan: Plan, problem: Problem | None, answer: Answer
) -> web.StreamResponse:
    """Enter the call as a job, wait its latency, answer it, and note how it ended.

    `problem` is what it fails with. A caller who goes away before the end cancels it. An answer that gets
    lost on its way is a success: the provider has done the work.
    """
    world = request.app[WORLD]
    job = _entered(world, call, plan, problem)
    try:
        await _wait(plan)
        response: web.StreamResponse | None = await lost_answer(request, world, job)
        if response is None:
            response = tell(problem) if problem is not None else await answer(job)
    except (asyncio.CancelledError, ConnectionResetError):
        job.finish("cancelled")
        raise
    job.finish("failed" if job.problem else "succeeded")
    return response


async def _wait(plan: Plan) -> None:
    if plan.latency > 0:
        await asyncio.sleep(plan.latency)


def _entered(world: World, call: Call, plan: Plan, problem: Problem | None) -> Job:
    now = time.time()
    job = Job(
        provider=call.provider,
        id=call.id,
        model=call.model,
        prompt=call.prompt,
        input=without_big_data(dict(call.input)),
        size=call.size,
        images=call.images,
        then=plan.then,
        submitted=now,
        starts=now,
        due=math.inf,
        min_polls=0,
        problem=problem,
    )
    world.jobs.add(job)
    return job
