"""Answers that end when the client goes away. Pure ASGI, so that every event leaves at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from shared.waiting import cancel

Work = Callable[[Send], Awaitable[None]]
"""Sends a whole answer itself. It is cancelled when nobody waits for it any more, and settles then."""

EVENTS: Final = "text/event-stream"
DONE: Final = b"data: [DONE]\n\n"

_STREAM_HEADERS: Final = (
    (b"content-type", f"{EVENTS}; charset=utf-8".encode()),
    (b"cache-control", b"no-cache"),
    # Proxies would collect events otherwise.
    (b"x-accel-buffering", b"no"),
)


class WhileConnected(Response):
    """Carries out some work for as long as the client is there. What it raises before it has sent anything
    becomes an ordinary error."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        self._work = work
        self._gone = False
        self._over = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        working = asyncio.current_task()
        assert working is not None  # noqa: S101 - a coroutine that runs has a task
        watching = asyncio.create_task(self._watch(receive, working), name="api:connection")
        try:
            await self._work(send)
        except asyncio.CancelledError:
            if not self._gone or working.uncancel():
                raise
        finally:
            self._over = True
            await cancel(watching)

    async def _watch(self, receive: Receive, working: asyncio.Task[Any]) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        if not self._over:
            self._gone = True
            working.cancel()


async def send_json(send: Send, content: bytes) -> None:
    """A whole answer."""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


class EventStream:
    """Server-sent events; the head goes out with the first one."""

    def __init__(self, send: Send, keep: bool = False) -> None:
        """With `keep`, what is sent is gathered in `sent`."""
        self.sent = bytearray()
        self._send = send
        self._keep = keep
        self._open = False

    async def send(self, event: Any) -> None:
        await self._write(b"data: " + orjson.dumps(event) + b"\n\n", more=True)

    async def done(self) -> None:
        """The proper end."""
        await self._write(DONE, more=False)

    async def close(self) -> None:
        """An end without `[DONE]`."""
        await self._write(b"", more=False)

    async def _write(self, data: bytes, *, more: bool) -> None:
        if not self._open:
            self._open = True
            head = {"type": "http.response.start", "status": 200, "headers": list(_STREAM_HEADERS)}
            await self._send(head)
        if self._keep:
            self.sent += data
        await self._send({"type": "http.response.body", "body": data, "more_body": more})
