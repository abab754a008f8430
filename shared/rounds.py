"""Work that a process does again and again beside everything else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from shared.mongo import is_unavailable

log = structlog.get_logger()


async def repeat(
    name: str,
    work: Callable[[], Awaitable[object]],
    every: timedelta,
    bell: asyncio.Event | None = None,
) -> None:
    """Do it after each pause until cancelled; a bell that is set ends the pause.

    An unreachable database costs a round and no more; other errors are raised.
    """
    rung = bell or asyncio.Event()
    while True:
        await _pause(rung, every)
        rung.clear()
        try:
            await work()
        except Exception as error:
            if not is_unavailable(error):
                raise
            log.warning("round postponed", work=name, reason=type(error).__name__)


async def _pause(bell: asyncio.Event, at_most: timedelta) -> None:
    try:
        async with asyncio.timeout(at_most.total_seconds()):
            await bell.wait()
    except TimeoutError:
        return
