"""A host that is no provider, and remembers who calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.unit.http.serving import serving

HTML = b"<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>"


@dataclass
class Stranger:
    """`status`, `body`, `content_type` and `headers`: what everybody is answered.

    `calls`: method, path with query, and all headers in one text, of every request.
    """

    body: bytes = HTML
    content_type: str = "text/html"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    host: str = ""

    async def handle(self, request: web.Request) -> web.Response:
        await request.read()
        told = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
        self.calls.append((request.method, str(request.rel_url), told))
        return web.Response(
            status=self.status, body=self.body, content_type=self.content_type, headers=self.headers
        )


@asynccontextmanager
async def listening(stranger: Stranger) -> AsyncIterator[Stranger]:
    """The stranger, reachable at `http://{stranger.host}`."""
    async with serving(stranger.handle) as port:
        stranger.host = f"127.0.0.1:{port}"
        yield stranger
