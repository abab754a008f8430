"""Ending asyncio tasks so that none is left unawaited."""

from __future__ import annotations

import asyncio
from typing import Any

_AGAIN_SECONDS = 0.5


async def cancel(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and await their end, whatever it is.

    A library that turns one cancellation into something else gets another: time-outs in Python 3.11 lose a
    cancellation that arrives together with their result.
    """
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_AGAIN_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)
