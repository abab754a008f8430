"""A small webhook receiver that keeps what it gets and answers by a script."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from tests.unit.http.serving import serving


@dataclass(frozen=True)
class Received:
    """One POST."""

    body: bytes
    headers: Mapping[str, str]

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def timestamp(self) -> int:
        return int(self.headers["webhook-timestamp"])

    def passes(self, secret: str) -> bool:
        """What the official package says to a receiver that knows this secret."""
        try:
            Webhook(secret).verify(self.body, dict(self.headers))
        except WebhookVerificationError:
            return False
        return True

    def is_signed_with(self, secret: str) -> bool:
        """Whether both signatures fit the bytes and the time they came with."""
        message = self.headers["X-EggAPI-Timestamp"].encode() + b"." + self.body
        own = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
        standard = Webhook(secret).sign(
            self.id, datetime.fromtimestamp(self.timestamp, UTC), self.body.decode()
        )
        return (self.headers["X-EggAPI-Signature"], self.headers["webhook-signature"]) == (
            f"sha256={own}",
            standard,
        )


@dataclass
class Receiver:
    """Answers with each status in turn; the last one stays. Holds its answers while `held`."""

    statuses: Sequence[int] = (200,)
    headers: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    received: list[Received] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.released.set()

    async def answer(self, request: web.Request) -> web.Response:
        self.received.append(Received(await request.read(), request.headers.copy()))
        status = self.statuses[min(len(self.received), len(self.statuses)) - 1]
        await self.released.wait()
        return web.Response(status=status, headers=self.headers, text="thank you")


@asynccontextmanager
async def receiving(*statuses: int, headers: Mapping[str, str] | None = None) -> AsyncIterator[Receiver]:
    """A receiver on a free loopback port."""
    receiver = Receiver(statuses or (200,), headers or {})
    async with serving(receiver.answer) as port:
        receiver.url = f"http://127.0.0.1:{port}/hook"
        yield receiver
