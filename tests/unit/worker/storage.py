"""A bucket in memory, and servers that deliver files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO

from aiohttp import web
from PIL import Image

from shared.files import StorageUnavailable
from tests.unit.http.serving import serving

MP4 = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + bytes(500_000)


def png(width: int = 2, height: int = 1) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


@dataclass
class Bucket:
    """Keeps what is put; an interrupted stream leaves nothing. `away` times it is unavailable first."""

    away: int = 0
    kept: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    tries: int = 0

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        self._reach()
        self.kept[key] = (data, content_type)

    async def put_stream(self, key: str, chunks: AsyncIterator[bytes], content_type: str) -> int:
        self._reach()
        data = b"".join([chunk async for chunk in chunks])
        self.kept[key] = (data, content_type)
        return len(data)

    def _reach(self) -> None:
        self.tries += 1
        if self.tries <= self.away:
            raise StorageUnavailable


@dataclass
class FileServer:
    """Delivers by path; what is not there is 404. A list of statuses is used up before the file comes."""

    files: dict[str, bytes] = field(default_factory=dict)
    statuses: dict[str, list[int]] = field(default_factory=dict)
    chunked: bool = False
    """Without Content-Length."""
    drips: set[str] = field(default_factory=set)
    """Files that stop in the middle and keep the connection."""
    breaks_off: Callable[[str], bool] = lambda _: False
    asked: list[str] = field(default_factory=list)
    url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        name = request.path.removeprefix("/")
        self.asked.append(name)
        if self.statuses.get(name):
            status = self.statuses[name].pop(0)
            return web.Response(status=status, headers={"Location": "/x"} if status == 302 else None)
        if name not in self.files:
            return web.Response(status=404)
        data = self.files[name]
        response = web.StreamResponse()
        if not self.chunked:
            response.content_length = len(data)
        await response.prepare(request)
        await response.write(data[: len(data) // 2])
        if self.breaks_off(name):
            assert request.transport is not None
            request.transport.abort()
            return response
        if name in self.drips:
            await asyncio.Event().wait()
        await response.write(data[len(data) // 2 :])
        await response.write_eof()
        return response


@asynccontextmanager
async def file_server() -> AsyncIterator[FileServer]:
    """A running one."""
    server = FileServer()
    async with serving(server.handle) as port:
        server.url = f"http://127.0.0.1:{port}"
        yield server
