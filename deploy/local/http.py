"""Readiness over HTTP."""

from __future__ import annotations

import aiohttp

LIMIT = aiohttp.ClientTimeout(total=2)


async def answers_ok(url: str, *, authorization: str = "") -> bool:
    """Whether a GET gives 200; a server that is not there yet is a no."""
    headers = {"Authorization": authorization} if authorization else {}
    try:
        async with (
            aiohttp.ClientSession(timeout=LIMIT) as session,
            session.get(url, headers=headers) as response,
        ):
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False
