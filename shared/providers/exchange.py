"""One HTTP exchange with a provider, ending in a value and never in an exception."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import orjson
from pydantic import SecretStr

from shared.http.reading import ResponseTooLarge, ResponseTooSlow, cancelled_by_owner, read_capped
from shared.providers.base import Failed
from shared.providers.delays import retry_after
from shared.providers.errors import ErrorClass
from shared.providers.messages import sanitise
from shared.providers.sse import EventTooLarge, SseDecoder
from shared.providers.tools import ProviderTools

MAX_BODY_BYTES: Final = 5 * 1024 * 1024
_CONNECT_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What the provider answered."""

    status: int
    headers: Mapping[str, str]
    """Names in any case."""
    body: bytes

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The parsed body, or None if it is not JSON."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None

    def object(self) -> dict[str, Any]:
        """The parsed body if it is a JSON object, else an empty one."""
        value = self.json()
        return value if isinstance(value, dict) else {}

    def text(self) -> str:
        return self.body[:4000].decode("utf-8", "replace")

    def failed(self, error_class: ErrorClass, text: str | None = None) -> Failed:
        """This reply as a failure; the delay it asks for is kept for `RATE_LIMIT`."""
        text = self.text() if text is None else text
        delay = None
        if error_class is ErrorClass.RATE_LIMIT:
            delay = retry_after(self.headers, text, datetime.now(UTC))
        return Failed(error_class, sanitise(text, f"The provider answered {self.status}."), delay)


@dataclass(frozen=True, slots=True)
class NoReply:
    """No usable answer came."""

    sent: bool
    """False only if the request certainly never left."""
    reason: str

    def failed_submit(self) -> Failed:
        """What this means when the call was to start a job."""
        return Failed(ErrorClass.SUBMIT_AMBIGUOUS if self.sent else ErrorClass.TRANSIENT, self.reason)

    def failed_call(self) -> Failed:
        """What this means when nothing runs on without the connection."""
        return Failed(ErrorClass.TRANSIENT, self.reason)


@dataclass(frozen=True, slots=True)
class Broken:
    """A stream ended before its time; always the last event."""

    reason: str
    unfinished: bytes = b""
    """The data of the event that the end of the body cut off."""


class EventStream:
    """The events of one answer, each as its `data`. The body's plain end is the end of the iteration."""

    def __init__(
        self, response: aiohttp.ClientResponse, first_by: float, idle: timedelta, key: bytes
    ) -> None:
        self.headers: Mapping[str, str] = response.headers
        self._response = response
        self._first_by = first_by
        self._idle = idle.total_seconds()
        self._key = key

    async def events(self) -> AsyncIterator[bytes | Broken]:
        """The data of each event; `Broken` last if the connection breaks, or is silent for too long.

        Comments do not count as signs of life: a provider that only keeps the line open is silent.
        """
        decoder, deadline = SseDecoder(), self._first_by
        while True:
            try:
                async with asyncio.timeout(max(deadline - time.monotonic(), 0)):
                    piece = await self._response.content.readany()
                if not piece:
                    break
                found = decoder.feed(piece)
            except TimeoutError:
                yield Broken("the provider fell silent")
                return
            except EventTooLarge:
                yield Broken("the provider's event is too large")
                return
            except (aiohttp.ClientError, OSError):
                yield Broken("the connection to the provider broke")
                return
            if found:
                deadline = time.monotonic() + self._idle
            for data in found:
                yield data.replace(self._key, b"***") if self._key in data else data
        if decoder.unfinished:
            yield Broken("the provider's answer was cut off", decoder.unfinished)


class ProviderClient:
    """Calls one provider with one key, and sends that key to the origin of `base_url` only."""

    def __init__(
        self,
        tools: ProviderTools,
        base_url: str,
        key: SecretStr,
        header: str = "Authorization",
        scheme: str = "Bearer ",
    ) -> None:
        parts = urlsplit(base_url)
        self.base_url = base_url.rstrip("/")
        self.limits = tools.limits
        self._origin = f"{parts.scheme}://{parts.netloc}/"
        self._tools = tools
        self._headers = {header: f"{scheme}{key.get_secret_value()}"}
        self._key = key.get_secret_value().encode()

    def is_ours(self, url: object) -> bool:
        """Whether this is a URL with the scheme, host and port of the base URL."""
        return isinstance(url, str) and url.startswith(self._origin)

    async def call(
        self,
        method: str,
        url: str,
        timeout: timedelta,
        payload: Mapping[str, Any] | None = None,
        *,
        form: Callable[[], aiohttp.FormData] | None = None,
        headers: Mapping[str, str] | None = None,
        most_bytes: int = MAX_BODY_BYTES,
    ) -> Reply | NoReply:
        """One request, all of it within `timeout`, with a JSON `payload` or a `form`.

        Redirects are answers like any other.
        """
        if not self.is_ours(url):
            return NoReply(sent=False, reason="the address is not the provider's")
        await self._tools.throttle.wait()
        total = timeout.total_seconds()
        try:
            async with self._tools.session.request(
                method,
                url,
                json=payload,
                data=form() if form is not None else None,
                headers={**self._headers, **(headers or {})},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=total, sock_connect=min(_CONNECT_SECONDS, total)),
            ) as response:
                body = await read_capped(response, most_bytes, timeout)
                return Reply(response.status, response.headers, self._without_key(body))
        except asyncio.CancelledError:
            if cancelled_by_owner():
                raise
            return NoReply(sent=True, reason="the connection to the provider broke")
        except Exception as error:
            if (reply := _no_reply(error)) is None:
                raise
            return reply

    @asynccontextmanager
    async def open_stream(
        self, url: str, payload: Mapping[str, Any]
    ) -> AsyncIterator[EventStream | Reply | NoReply]:
        """A POST whose answer is read event by event; any answer that is no event stream is a `Reply`.

        The first event has to come within `limits.first_event` of the call, each other within `limits.idle`
        of the one before. Leaving the block ends the call at the provider.
        """
        first_by = time.monotonic() + self.limits.first_event.total_seconds()
        opened = await self._open(url, payload)
        if isinstance(opened, NoReply):
            yield opened
            return
        try:
            if opened.status == 200 and opened.content_type == "text/event-stream":
                yield EventStream(opened, first_by, self.limits.idle, self._key)
            else:
                yield await self._read(opened)
        finally:
            # An answer that was read to its end has given its connection back already.
            opened.close()

    async def _open(self, url: str, payload: Mapping[str, Any]) -> aiohttp.ClientResponse | NoReply:
        await self._tools.throttle.wait()
        first = self.limits.first_event.total_seconds()
        try:
            async with asyncio.timeout(first):
                return await self._tools.session.post(
                    url,
                    json=payload,
                    headers={**self._headers, "Accept": "text/event-stream"},
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None, sock_connect=min(_CONNECT_SECONDS, first)),
                )
        except asyncio.CancelledError:
            if cancelled_by_owner():
                raise
            return NoReply(sent=True, reason="the connection to the provider broke")
        except Exception as error:
            if (reply := _no_reply(error)) is None:
                raise
            return reply

    async def _read(self, response: aiohttp.ClientResponse) -> Reply | NoReply:
        try:
            body = await read_capped(response, MAX_BODY_BYTES, self.limits.submit)
        except Exception as error:
            if (reply := _no_reply(error)) is None:
                raise
            return reply
        return Reply(response.status, response.headers, self._without_key(body))

    def _without_key(self, body: bytes) -> bytes:
        return body.replace(self._key, b"***") if self._key in body else body


def _no_reply(error: Exception) -> NoReply | None:
    """What a call that raised means; None for what is no matter of the network."""
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return NoReply(sent=False, reason="could not connect to the provider")
    if isinstance(error, TimeoutError | ResponseTooSlow):
        return NoReply(sent=True, reason="the provider did not answer in time")
    if isinstance(error, ResponseTooLarge):
        return NoReply(sent=True, reason="the provider's answer is too large")
    if isinstance(error, aiohttp.ClientError | OSError):
        return NoReply(sent=True, reason="the connection to the provider broke")
    return None
