"""One HTTP exchange with a provider, ending in a value and never in an exception."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import orjson

from shared.http.reading import ResponseTooLarge, ResponseTooSlow, cancelled_by_owner, read_capped
from shared.providers.base import Failed
from shared.providers.delays import retry_after
from shared.providers.errors import ErrorClass
from shared.providers.messages import sanitise

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


class ProviderClient:
    """Calls one provider with one key, and sends that key to the origin of `base_url` only."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, scheme: str, key: str) -> None:
        parts = urlsplit(base_url)
        self.base_url = base_url.rstrip("/")
        self._origin = f"{parts.scheme}://{parts.netloc}/"
        self._session = session
        self._headers = {"Authorization": f"{scheme} {key}"}
        self._key = key.encode()

    def is_ours(self, url: object) -> bool:
        """Whether this is a URL with the scheme, host and port of the base URL."""
        return isinstance(url, str) and url.startswith(self._origin)

    async def call(
        self, method: str, url: str, timeout: timedelta, payload: Mapping[str, Any] | None = None
    ) -> Reply | NoReply:
        """One request, all of it within `timeout`. Redirects are answers like any other."""
        if not self.is_ours(url):
            return NoReply(sent=False, reason="the address is not the provider's")
        total = timeout.total_seconds()
        try:
            async with self._session.request(
                method,
                url,
                json=payload,
                headers=self._headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=total, sock_connect=min(_CONNECT_SECONDS, total)),
            ) as response:
                body = await read_capped(response, MAX_BODY_BYTES, timeout)
                return Reply(response.status, response.headers, self._without_key(body))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return NoReply(sent=False, reason="could not connect to the provider")
        except (TimeoutError, ResponseTooSlow):
            return NoReply(sent=True, reason="the provider did not answer in time")
        except ResponseTooLarge:
            return NoReply(sent=True, reason="the provider's answer is too large")
        except (aiohttp.ClientError, OSError):
            return NoReply(sent=True, reason="the connection to the provider broke")
        except asyncio.CancelledError:
            if cancelled_by_owner():
                raise
            return NoReply(sent=True, reason="the connection to the provider broke")

    def _without_key(self, body: bytes) -> bytes:
        return body.replace(self._key, b"***") if self._key in body else body
