"""Reading a body that may be endless, and telling our own cancellation from others."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import aiohttp

from shared.errors import HatcheryError


class ResponseTooLarge(HatcheryError):
    """The response is larger than allowed."""

    code, status = "response_too_large", 502


class ResponseTooSlow(HatcheryError):
    """The response did not arrive in time."""

    code, status = "response_too_slow", 504


async def read_capped(response: aiohttp.ClientResponse, limit_bytes: int, deadline: timedelta) -> bytes:
    """The whole decoded body, at most `limit_bytes`, within `deadline` from now.

    Counts bytes after decompression. Raises `ResponseTooLarge`, `ResponseTooSlow`, or `aiohttp.ClientError`
    for a broken body; the connection is closed then, so nothing more is received.
    """
    if response.content_length is not None and response.content_length > limit_bytes:
        response.close()
        raise ResponseTooLarge
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(deadline.total_seconds()):
            async for piece in response.content.iter_any():
                size += len(piece)
                if size > limit_bytes:
                    raise ResponseTooLarge
                pieces.append(piece)
    except TimeoutError as error:
        raise ResponseTooSlow from error
    finally:
        if not response.content.at_eof():
            response.close()
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def cancelled_by_owner() -> bool:
    """Whether a `CancelledError` just caught was meant for this task.

    A connection or lookup that dies elsewhere can surface as `CancelledError` in a task nobody cancelled;
    that one is a failed call and must not end the task silently.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
