"""What a client may do to a connection before it is closed: too many, too slow, too long a head."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_URL_BYTES = 8 * 1024
MOST_HEADERS = 100
MOST_HEAD_BYTES = 32 * 1024
"""Request line and headers together; a trailer counts with the body."""
LEAST_BYTES_PER_SECOND = 16 * 1024
"""A body that comes more slowly has used up its pause."""

_REFUSALS = {
    414: b"HTTP/1.1 414 URI Too Long",
    413: b"HTTP/1.1 413 Content Too Large",
    431: b"HTTP/1.1 431 Request Header Fields Too Large",
}


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Of one server."""

    connections: int = 5000
    """More are closed as soon as they come."""
    slow_seconds: float = 20.0
    """How long a head may take in all, how long a body may pause, and a response may go unread."""
    request_bytes: int = 128 * 1024 * 1024
    """As it comes over the wire, with what chunks are wrapped in. Endpoints have much lower limits."""
    linger_seconds: float = 5.0
    """For the rest of a body whose request is answered already."""

    def protocol(self) -> Any:
        """For uvicorn, which calls it for every connection."""
        return partial(LimitedProtocol, limits=self)


class LimitedProtocol(HttpToolsProtocol):
    """Uvicorn's, with a deadline for whatever the client has to do next.

    The client owes a head, a body, or reading the response; one of `due_at` and `unread_until` is then set.
    Who watches over them calls `close_overdue` now and then: a timer for each would cost more than a request.
    """

    def __init__(self, *args: Any, limits: HttpLimits, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limits = limits
        self._in_head = True
        self._head_bytes = 0
        self._in_body = False
        self._body_bytes = 0
        self._body_began = 0.0
        self._refused = False
        self.due_at: float | None = None
        self.unread_until: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            self._refused = True
            transport.abort()
            return
        self.due_at = self.loop.time() + self._limits.slow_seconds

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        super().data_received(data)
        if self._refused or self.transport.is_closing():
            return
        if self._in_head:
            # A header that never ends is announced by nobody.
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self._refuse(431)
        elif self._in_body:
            self._count_body(len(data))
        elif self.due_at is None and (self.cycle is None or self.cycle.response_complete):
            # Empty lines between requests: uvicorn takes them for the next one and stops its own timer.
            self.due_at = self.loop.time() + self._limits.slow_seconds

    def _count_body(self, size: int) -> None:
        self._body_bytes += size
        if self._body_bytes > self._limits.request_bytes:
            self._refuse(413)
        elif self.cycle is not None and not self.cycle.response_complete:
            earned = self._body_bytes / LEAST_BYTES_PER_SECOND
            self.due_at = self._body_began + self._limits.slow_seconds + earned

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._in_body, self._head_bytes = True, False, 0
        self.due_at = self.loop.time() + self._limits.slow_seconds

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > MOST_URL_BYTES:
            self._refuse(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._head_bytes += len(name) + len(value) + 4
        if len(self.headers) > MOST_HEADERS or self._head_bytes > MOST_HEAD_BYTES:
            self._refuse(431)

    def on_headers_complete(self) -> None:
        if self._refused:
            return
        super().on_headers_complete()
        self._in_head, self._in_body = False, True
        self._body_bytes, self._body_began = 0, self.loop.time()
        self.due_at = self._body_began + self._limits.slow_seconds

    def on_body(self, body: bytes) -> None:
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._refused:
            return
        super().on_message_complete()
        self._in_body, self.due_at = False, None

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._in_body:
            self.due_at = self.loop.time() + self._limits.linger_seconds

    def pause_writing(self) -> None:
        super().pause_writing()
        self.unread_until = self.loop.time() + self._limits.slow_seconds

    def resume_writing(self) -> None:
        super().resume_writing()
        self.unread_until = None

    def close_overdue(self, now: float) -> None:
        """Cut the connection off if the client is late; what is in flight to it is lost."""
        late = self.due_at is not None and now > self.due_at
        unread = self.unread_until is not None and now > self.unread_until
        # While we do not read, nothing can come.
        if unread or (late and not self.flow.read_paused):
            self.transport.abort()

    def _refuse(self, status: int) -> None:
        if self._refused:
            return
        self._refused = True
        self.transport.write(_REFUSALS[status] + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()


def close_overdue(connections: Iterable[Any], now: float) -> None:
    """All of them that are late."""
    for connection in list(connections):
        if isinstance(connection, LimitedProtocol):
            connection.close_overdue(now)
