"""Stripe's events: made, signed and posted, whole or with faults (docs.stripe.com/webhooks)."""

from __future__ import annotations

import asyncio
import copy
import hmac
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from deploy.simulator.loopback import on_loopback
from deploy.simulator.stripe_book import Document, new_id

DEFAULT_SECRET = "whsec_simulated"  # noqa: S105
_TIMEOUT = aiohttp.ClientTimeout(total=10)
_RETRY_SECONDS = 0.2
_TRIES = 5
_STALE_SECONDS = 3600


class Faults(BaseModel):
    """How the events of one act are sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    copies: StrictInt = Field(default=1, ge=1, le=100)
    """How often each is posted, at the same time."""
    new_ids: StrictBool = False
    """The copies are events of their own about the same thing."""
    forged: StrictBool = False
    """Signed with a secret that nobody has."""
    stale: StrictBool = False
    """Signed an hour ago."""
    delay_ms: StrictInt = Field(default=0, ge=0, le=60_000)
    hold: StrictBool = False
    """Kept until they are released."""
    reverse: StrictBool = False
    """The last of them first."""


@dataclass(slots=True)
class _Post:
    event: Document
    faults: Faults


def signature(body: bytes, secret: str, at: int) -> str:
    """`t=…,v1=…`: HMAC-SHA256 of time and body."""
    return f"t={at},v1={hmac.digest(secret.encode(), f'{at}.'.encode() + body, 'sha256').hex()}"


@dataclass(slots=True)
class StripeEvents:
    """Posts to one address; what it answers is kept."""

    url: str | None = None
    secret: str = DEFAULT_SECRET
    sent: list[dict[str, Any]] = field(default_factory=list)
    _held: list[_Post] = field(default_factory=list)
    _running: set[asyncio.Task[None]] = field(default_factory=set)
    _session: aiohttp.ClientSession | None = None

    def tell(self, faults: Faults, *told: tuple[str, Document]) -> list[Document]:
        """Post events about objects as they are now; gives the events."""
        events = [_event(kind, about) for kind, about in told]
        posts = [_Post(event, faults) for event in (reversed(events) if faults.reverse else events)]
        if faults.hold:
            self._held += posts
        else:
            self._send(posts)
        return events

    def release(self, *, reverse: bool) -> int:
        """Post what was kept; gives how many."""
        posts, self._held = self._held, []
        self._send(posts[::-1] if reverse else posts)
        return len(posts)

    async def close(self) -> None:
        for task in self._running:
            task.cancel()
        if self._session is not None:
            await self._session.close()

    def _send(self, posts: list[_Post]) -> None:
        if self.url is None or not on_loopback(self.url):
            return
        task = asyncio.create_task(self._post_all(self.url, posts))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _post_all(self, url: str, posts: list[_Post]) -> None:
        for post in posts:
            await asyncio.sleep(post.faults.delay_ms / 1000)
            copies = [post.event] * post.faults.copies
            if post.faults.new_ids:
                copies = [{**post.event, "id": new_id("evt")} for _ in copies]
            await asyncio.gather(*(self._post(url, event, post.faults) for event in copies))

    async def _post(self, url: str, event: Document, faults: Faults) -> None:
        """Tried again after an error that is not ours; redirects are not followed."""
        body = orjson.dumps(event)
        secret = new_id("whsec") if faults.forged else self.secret
        for number in range(_TRIES):
            if number:
                await asyncio.sleep(_RETRY_SECONDS)
            at = int(time.time()) - (_STALE_SECONDS if faults.stale else 0)
            status = await self._call(url, body, signature(body, secret, at))
            self.sent.append({"id": event["id"], "type": event["type"], "status": status})
            if status is not None and status < 500:
                return

    async def _call(self, url: str, body: bytes, signed: str) -> int | None:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signed}
        try:
            async with self._session.post(
                url, data=body, headers=headers, ssl=False, allow_redirects=False
            ) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError):
            return None


def _event(kind: str, about: Document) -> Document:
    return {
        "id": new_id("evt"),
        "object": "event",
        "api_version": "2026-09-30.simulated",
        "created": int(time.time()),
        "type": kind,
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "data": {"object": copy.deepcopy(about)},
    }
