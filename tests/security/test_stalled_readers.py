"""Clients that ask for files and do not read them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from deploy.local.servers import Servers
from services.api.file_streams import MOST_STREAMS_OF_ONE, FileStreams
from services.api.files import file_endpoints
from services.api.middleware import RequestFrame
from services.api.rendering import render_errors
from shared.files import Files
from shared.http_limits import HttpLimits
from shared.ids import Prefix, new_id
from shared.serving import serving
from shared.settings import S3Settings

SIZE = 24 * 1024 * 1024
STALLED = 64


@pytest.fixture
async def files(servers: Servers) -> AsyncIterator[Files]:
    s3 = servers.s3
    settings = S3Settings(
        endpoint=s3.endpoint, bucket=s3.bucket, access_key=s3.access_key, secret_key=s3.secret_key
    )
    async with Files(settings) as opened:
        yield opened


@pytest.fixture
async def film(files: Files) -> str:
    key = f"videos/{new_id(Prefix.EGGAPI_TASK)}/0.mp4"
    await files.put(key, bytes(SIZE), "video/mp4")
    return f"/{key}"


def _app(files: Files, patience_seconds: float) -> RequestFrame:
    app = FastAPI(openapi_url=None)
    app.include_router(file_endpoints(files, FileStreams(patience_seconds=patience_seconds)))
    render_errors(app)
    return RequestFrame(app)


async def _ask(port: int, path: str, source: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A request from this loopback address, with the smallest window that can be had."""
    plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.setblocking(False)
    plain.bind((source, 0))
    await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=plain, limit=4096)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    await writer.drain()
    return reader, writer


async def _whole(port: int, path: str, source: str) -> bytes:
    reader, writer = await _ask(port, path, source)
    answer = await reader.read()
    writer.transport.abort()
    return answer


async def test_readers_that_stall_neither_hold_the_storage_nor_keep_others_waiting(
    files: Files, film: str
) -> None:
    async with serving(_app(files, 60), "127.0.0.1", 0, "test", limits=HttpLimits(slow_seconds=60)) as port:
        stalled = [await _ask(port, film, "127.0.0.1") for _ in range(STALLED)]
        heads = {asyncio.create_task(reader.readexactly(12)) for reader, _ in stalled}
        served: set[asyncio.Task[bytes]] = set()
        while len(served) < MOST_STREAMS_OF_ONE:
            done, heads = await asyncio.wait(heads, return_when=asyncio.FIRST_COMPLETED)
            served |= done
        assert {head.result() for head in served} == {b"HTTP/1.1 200"}

        other = await _whole(port, film, "127.0.0.2")
        assert other.startswith(b"HTTP/1.1 200")
        assert len(other) > SIZE

        assert len(served) == MOST_STREAMS_OF_ONE
        assert not any(head.done() for head in heads)
        for _, writer in stalled:
            writer.transport.abort()
        await asyncio.gather(*heads, return_exceptions=True)
        assert len(await _whole(port, film, "127.0.0.1")) > SIZE


async def test_who_waits_in_vain_for_a_file_is_told_so(files: Files, film: str) -> None:
    limits = HttpLimits(slow_seconds=4)
    async with serving(_app(files, 0.2), "127.0.0.1", 0, "test", limits=limits) as port:
        stalled = [await _ask(port, film, "127.0.0.1") for _ in range(MOST_STREAMS_OF_ONE)]
        for reader, _ in stalled:
            assert await reader.readexactly(12) == b"HTTP/1.1 200"
        refused = await _whole(port, film, "127.0.0.1")
        assert refused.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 2" in refused.lower()

        async with asyncio.timeout(60):
            while not (await _whole(port, film, "127.0.0.1")).startswith(b"HTTP/1.1 200"):
                pass  # It waits by itself.
        for _, writer in stalled:
            writer.transport.abort()
