"""A provider that answers what a test queued and remembers what it was sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from shared.http import provider_session
from shared.providers.tools import InputImage, ProviderTools, TimeLimits, UnusableInput
from tests.unit.http.serving import serving


class Inputs:
    """Input images by URL; any other cannot be fetched."""

    def __init__(self, **images: bytes) -> None:
        self._images = images

    async def load(self, url: str) -> InputImage:
        if url not in self._images:
            raise UnusableInput("an input image could not be fetched")
        return InputImage(self._images[url], "image/png")


def tools(session: aiohttp.ClientSession, inputs: Inputs | None = None, **limits: timedelta) -> ProviderTools:
    """What adapters are built from."""
    return ProviderTools(session, inputs or Inputs(), limits=TimeLimits(**limits))


@dataclass
class Upstream:
    """`answers` by method and path; a list is used up from the front, its last one stays."""

    answers: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)
    seen: list[tuple[str, str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    url: str = ""

    async def handle(self, request: web.Request) -> web.Response:
        raw = await request.read()
        self.seen.append((request.method, request.path, orjson.loads(raw) if raw else None))
        self.keys.append(request.headers.get("Authorization"))
        queued = self.answers.get(f"{request.method} {request.path}", [(404, {"detail": "not found"})])
        status, body = queued.pop(0) if len(queued) > 1 else queued[0]
        return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")


@asynccontextmanager
async def upstream() -> AsyncIterator[tuple[Upstream, aiohttp.ClientSession]]:
    """A running upstream and a session for adapters."""
    server = Upstream()
    async with serving(server.handle) as port, provider_session() as session:
        server.url = f"http://127.0.0.1:{port}"
        yield server, session
