"""Handing a task to a provider, with an eye on the client that may not want it any more."""

from __future__ import annotations

import asyncio
from typing import Final

from services.worker import moves
from services.worker.run import Run
from shared.providers.base import Accepted, Done, Failed, GenerationRequest, MediaProvider
from shared.waiting import cancel

CANCEL_GRACE_SECONDS: Final = 5.0
"""A hand-over that is nearly done is better finished than broken off: then its job can be cancelled."""


async def hand_over(
    run: Run,
    provider: MediaProvider,
    request: GenerationRequest,
    grace_seconds: float = CANCEL_GRACE_SECONDS,
) -> Accepted | Done | Failed:
    """The provider's answer, or the client's end of it: then a job may run that nobody can name."""
    call = asyncio.create_task(provider.submit(request), name=f"submit:{run.task.id}")
    ending = asyncio.create_task(run.until_cancelled(), name=f"cancel:{run.task.id}")
    try:
        await asyncio.wait([call, ending], return_when=asyncio.FIRST_COMPLETED)
        if not call.done():
            await asyncio.wait([call], timeout=grace_seconds)
        if call.done():
            return call.result()
        run.left_behind += 1
        return moves.cancelled()
    finally:
        await cancel(call, ending)
