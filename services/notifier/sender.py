"""One POST to an address that a stranger chose."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import aiohttp
import structlog

from shared.http import UnsafeAddress
from shared.http.reading import cancelled_by_owner

log = structlog.get_logger()

LONGEST_SEND: Final = timedelta(seconds=15)
EXCERPT_BYTES: Final = 2048
KEPT_HEADERS: Final = ("content-type", "retry-after", "server")
_LONGEST_HEADER = 200
_TIMEOUT = aiohttp.ClientTimeout(total=LONGEST_SEND.total_seconds(), sock_connect=10)
_HEADERS: Final = {
    "Content-Type": "application/json",
    "User-Agent": "Hatchery-Webhook/1",
    # The beginning of the answer is kept for people to read.
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a POST. `error` is None for a 2xx, else a few words without any address in them."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    excerpt: str = ""
    error: str | None = None
    duration_ms: int = 0


class Sender:
    """Posts through a guarded session; never raises for what the receiver does."""

    def __init__(self, session: aiohttp.ClientSession, timeout: aiohttp.ClientTimeout = _TIMEOUT) -> None:
        self._session = session
        self._timeout = timeout

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send once; redirects are answers, not directions."""
        started = time.monotonic()
        status, kept, excerpt, error = None, {}, "", None
        try:
            async with self._session.post(
                url, data=body, headers={**_HEADERS, **headers}, allow_redirects=False, timeout=self._timeout
            ) as response:
                status, kept = response.status, _kept_headers(response)
                excerpt = (await _beginning(response)).decode(errors="replace")
                error = None if 200 <= status < 300 else _refusal(status)
        except (UnsafeAddress, aiohttp.ClientError, OSError, UnicodeError) as raised:
            error = _error_text(raised)
        except Exception:
            # One that nobody foresaw counts as an attempt all the same, else it would be tried for ever.
            log.exception("webhook not sent")
            error = "not sent"
        except asyncio.CancelledError:
            if cancelled_by_owner():
                raise
            error = "connection failed"
        return Answer(status, kept, excerpt, error, round((time.monotonic() - started) * 1000))


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    """Up to 2 KB of the body. The status stands, whatever becomes of the rest."""
    pieces = bytearray()
    try:
        while len(pieces) < EXCERPT_BYTES:
            piece = await response.content.read(EXCERPT_BYTES - len(pieces))
            if not piece:
                break
            pieces += piece
    except (aiohttp.ClientError, TimeoutError) as error:
        log.debug("answer cut off", reason=type(error).__name__)
    if not response.content.at_eof():
        response.close()
    return bytes(pieces)


def _kept_headers(response: aiohttp.ClientResponse) -> dict[str, str]:
    return {
        name: _storable(response.headers[name][:_LONGEST_HEADER])
        for name in KEPT_HEADERS
        if name in response.headers
    }


def _storable(text: str) -> str:
    """Bytes that are no UTF-8 arrive as lone surrogates, which the database refuses."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


def _refusal(status: int) -> str:
    return f"redirected ({status})" if 300 <= status < 400 else f"answered {status}"


def _error_text(error: Exception) -> str:
    """The kind of failure and nothing more: the details would tell strangers about networks behind ours."""
    match error:
        case UnsafeAddress() | aiohttp.InvalidURL() | UnicodeError():
            return "address not allowed"
        case TimeoutError():
            return "timed out"
        case ssl.SSLError() | aiohttp.ClientSSLError():
            return "TLS failed"
    return "connection failed"
