from __future__ import annotations

import asyncio
import gzip
import time
import tracemalloc
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web

from shared.http import ResponseTooLarge, ResponseTooSlow, provider_session, read_capped
from shared.http.reading import cancelled_by_owner
from tests.unit.http.serving import Handler, serving

SOON = timedelta(seconds=5)


async def read(handler: Handler, limit_bytes: int, deadline: timedelta = SOON) -> bytes:
    async with (
        serving(handler) as port,
        provider_session() as session,
        session.get(f"http://127.0.0.1:{port}/") as response,
    ):
        return await read_capped(response, limit_bytes, deadline)


async def test_a_body_of_exactly_the_limit_is_read() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * 100_000)

    assert len(await read(handler, 100_000)) == 100_000


async def test_an_empty_body_is_empty_bytes() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=b"")

    assert await read(handler, 10) == b""


async def test_a_declared_length_over_the_limit_is_refused() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * 101)

    with pytest.raises(ResponseTooLarge):
        await read(handler, 100)


async def test_a_chunked_body_is_cut_at_the_limit() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)

    with pytest.raises(ResponseTooLarge):
        await read(handler, 200_000)


async def test_a_gzip_bomb_is_counted_after_decompression() -> None:
    bomb = gzip.compress(bytes(100 * 1024 * 1024), compresslevel=9)

    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    tracemalloc.start()
    try:
        with pytest.raises(ResponseTooLarge):
            await read(handler, 1024 * 1024)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 20 * 1024 * 1024


async def test_a_drip_ends_at_the_deadline() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x")
            await asyncio.sleep(0.05)

    started = time.monotonic()
    with pytest.raises(ResponseTooSlow):
        await read(handler, 1000, timedelta(seconds=0.3))
    assert time.monotonic() - started < 2


async def test_a_body_that_breaks_off_is_an_error() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"x")
        assert request.transport is not None
        request.transport.close()
        return response

    with pytest.raises(aiohttp.ClientError):
        await read(handler, 1000)


async def test_only_a_cancellation_of_the_task_itself_counts_as_one() -> None:
    async def meets_a_dead_future() -> bool:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.cancel()
        try:
            await future
        except asyncio.CancelledError:
            return cancelled_by_owner()
        return True

    async def is_cancelled() -> bool:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            return cancelled_by_owner()
        return False

    assert await asyncio.create_task(meets_a_dead_future()) is False
    task = asyncio.create_task(is_cancelled())
    await asyncio.sleep(0)
    task.cancel()
    assert await task is True
