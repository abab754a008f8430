"""Google as a test scripts it: JSON answers, streams, and calls that never end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
from aiohttp import web
from pydantic import SecretStr

from shared.http import provider_session
from shared.providers.gemini import GeminiProvider
from tests.unit.http.serving import serving
from tests.unit.providers.upstream import Inputs, tools

KEY = SecretStr("AIzaSy-canary-0123456789")


@dataclass(frozen=True)
class Events:
    """A stream of these bodies; bytes are sent as they are."""

    bodies: tuple[Any, ...]


class Silence:
    """The request is read and never answered."""


class Cut:
    """The connection is closed without an answer."""


Answer = tuple[int, Any] | Callable[[Any], tuple[int, Any]] | Events | Silence | Cut
"""A callable is given the body of the call."""


@dataclass
class Google:
    """`answers` are used up from the front; the last one stays."""

    answers: list[Answer] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    waiting: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    """Paths of the calls that are in a silence."""
    left: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    """Those of them that the client broke off."""
    url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path_qs)
        self.headers.append(request.headers)
        self.bodies.append(orjson.loads(await request.read()))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Events):
            return await self._stream(request, answer)
        if isinstance(answer, Cut):
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if isinstance(answer, Silence):
            await self._wait(request)
            return web.Response()
        status, body = answer(self.bodies[-1]) if callable(answer) else answer
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        return web.Response(status=status, body=raw, content_type="application/json")

    async def _stream(self, request: web.Request, events: Events) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for body in events.bodies:
            if isinstance(body, Silence):
                await self._wait(request)
            raw = body if isinstance(body, bytes) else b"data: " + orjson.dumps(body) + b"\r\n\r\n"
            await response.write(raw)
        return response

    async def _wait(self, request: web.Request) -> None:
        self.waiting.put_nowait(request.path)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.left.put_nowait(request.path)
            raise


@asynccontextmanager
async def google(
    *answers: Answer, inputs: Inputs | None = None, **limits: timedelta
) -> AsyncIterator[tuple[Google, GeminiProvider]]:
    """A running Google and an adapter that calls it."""
    server = Google(list(answers))
    async with serving(server.handle) as port, provider_session() as session:
        server.url = f"http://127.0.0.1:{port}"
        yield server, GeminiProvider(tools(session, inputs, **limits), KEY, server.url)


def answer(*parts: dict[str, Any], reason: str | None = "STOP", **more: Any) -> dict[str, Any]:
    """A `GenerateContentResponse`."""
    candidate: dict[str, Any] = {"index": 0, "content": {"role": "model", "parts": list(parts)}}
    if reason is not None:
        candidate["finishReason"] = reason
    return {"candidates": [candidate], **more}


def picture(encoded: str = "UE5H", **more: Any) -> dict[str, Any]:
    """A part with a file of the bytes `PNG`, unless told otherwise."""
    return {"inlineData": {"mimeType": "image/png", "data": encoded}, **more}
