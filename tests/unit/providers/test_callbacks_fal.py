from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.http import provider_session
from shared.providers.callbacks.fal import FETCH_EVERY, KEYS_LIVE, FalCallbacks
from tests.unit.http.serving import serving

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OLD, NEW, STRANGER = (Ed25519PrivateKey.generate() for _ in range(3))
BODY = b'{"request_id":"r1","gateway_request_id":"g1","status":"OK","payload":{"images":[]}}'


def jwk(key: Ed25519PrivateKey) -> dict[str, str]:
    raw = key.public_key().public_bytes_raw()
    return {"kty": "OKP", "crv": "Ed25519", "x": urlsafe_b64encode(raw).decode().rstrip("=")}


def signed(key: Ed25519PrivateKey, body: bytes = BODY, at: datetime = NOW) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    message = f"r1\nuser-7\n{stamp}\n{sha256(body).hexdigest()}".encode()
    return {
        "X-Fal-Webhook-Request-Id": "r1",
        "X-Fal-Webhook-User-Id": "user-7",
        "X-Fal-Webhook-Timestamp": stamp,
        "X-Fal-Webhook-Signature": key.sign(message).hex(),
    }


@dataclass
class Published:
    """The key set as it is published at the moment."""

    keys: list[Any] = field(default_factory=list)
    status: int = 200
    asked: int = 0

    async def handle(self, request: web.Request) -> web.Response:
        assert request.path == "/jwks.json"
        self.asked += 1
        return web.json_response({"keys": self.keys}, status=self.status)


@asynccontextmanager
async def verifying(*keys: Any) -> AsyncIterator[tuple[FalCallbacks, Published]]:
    published = Published([jwk(key) if isinstance(key, Ed25519PrivateKey) else key for key in keys])
    async with serving(published.handle) as port, provider_session() as session:
        yield FalCallbacks(session, f"http://127.0.0.1:{port}/jwks.json"), published


async def test_a_genuine_message_names_its_request() -> None:
    async with verifying(OLD) as (callbacks, _):
        assert await callbacks.verify(signed(OLD), BODY, NOW) == "r1"
        lower = {name.lower(): value for name, value in signed(OLD).items()}
        assert await callbacks.verify(lower, BODY, NOW) == "r1"


async def test_any_published_key_may_have_signed_and_odd_entries_are_passed_over() -> None:
    odd = ["x", {"x": 7}, {"x": "YQ"}, {"x": "***"}, {}]
    async with verifying(*odd, OLD, NEW) as (callbacks, published):
        assert await callbacks.verify(signed(OLD), BODY, NOW) == "r1"
        assert await callbacks.verify(signed(NEW), BODY, NOW) == "r1"
    assert published.asked == 1


@pytest.mark.parametrize(
    "change",
    [
        {"X-Fal-Webhook-Request-Id": "r2"},
        {"X-Fal-Webhook-User-Id": "user-8"},
        {"X-Fal-Webhook-Timestamp": str(int(NOW.timestamp()) + 1)},
        {"X-Fal-Webhook-Timestamp": "soon"},
        {"X-Fal-Webhook-Timestamp": ""},
        {"X-Fal-Webhook-Signature": "00" * 64},
        {"X-Fal-Webhook-Signature": "00"},
        {"X-Fal-Webhook-Signature": "no hex"},
        {"X-Fal-Webhook-Signature": ""},
    ],
)
async def test_a_changed_header_is_found_out(change: dict[str, str]) -> None:
    async with verifying(OLD) as (callbacks, _):
        assert await callbacks.verify(signed(OLD) | change, BODY, NOW) is None


async def test_a_changed_body_is_found_out() -> None:
    async with verifying(OLD) as (callbacks, _):
        assert await callbacks.verify(signed(OLD), BODY + b" ", NOW) is None


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{broken", b"{}", b'{"request_id":"../x"}', b'{"request_id":7}']
)
async def test_a_signed_message_that_names_no_request_is_nothing(body: bytes) -> None:
    async with verifying(OLD) as (callbacks, _):
        assert await callbacks.verify(signed(OLD, body), body, NOW) is None


@pytest.mark.parametrize(("seconds", "genuine"), [(300, True), (-300, True), (301, False), (-301, False)])
async def test_a_message_is_good_for_five_minutes(seconds: int, genuine: bool) -> None:
    async with verifying(OLD) as (callbacks, _):
        found = await callbacks.verify(signed(OLD), BODY, NOW + timedelta(seconds=seconds))
    assert (found == "r1") is genuine


async def test_forged_messages_make_us_ask_once_a_minute_at_most() -> None:
    async with verifying(OLD) as (callbacks, published):
        for _ in range(3):
            assert await callbacks.verify(signed(STRANGER), BODY, NOW) is None
        assert published.asked == 1
        later = NOW + FETCH_EVERY
        assert await callbacks.verify(signed(STRANGER), BODY, later) is None
        assert published.asked == 2


async def test_a_message_without_a_signature_or_of_another_time_makes_nobody_ask() -> None:
    async with verifying(OLD) as (callbacks, published):
        await callbacks.verify({}, BODY, NOW)
        await callbacks.verify(signed(OLD), BODY, NOW + timedelta(hours=1))
    assert published.asked == 0


async def test_a_new_key_is_found_after_a_minute() -> None:
    async with verifying(OLD) as (callbacks, published):
        assert await callbacks.verify(signed(NEW), BODY, NOW) is None
        published.keys = [jwk(NEW)]
        assert await callbacks.verify(signed(NEW), BODY, NOW + timedelta(seconds=59)) is None
        assert await callbacks.verify(signed(NEW), BODY, NOW + FETCH_EVERY) == "r1"


async def test_keys_are_good_for_a_day() -> None:
    async with verifying(OLD) as (callbacks, published):
        assert await callbacks.verify(signed(OLD), BODY, NOW) == "r1"
        published.keys = [jwk(NEW)]
        almost, after = NOW + KEYS_LIVE - timedelta(seconds=1), NOW + KEYS_LIVE
        assert await callbacks.verify(signed(OLD, at=almost), BODY, almost) == "r1"
        assert await callbacks.verify(signed(OLD, at=after), BODY, after) is None
    assert published.asked == 2


async def test_keys_stay_good_while_the_set_cannot_be_fetched() -> None:
    async with verifying(OLD) as (callbacks, published):
        assert await callbacks.verify(signed(OLD), BODY, NOW) == "r1"
        published.status = 503
        later = NOW + timedelta(minutes=2)
        assert await callbacks.verify(signed(STRANGER, at=later), BODY, later) is None
        assert await callbacks.verify(signed(OLD, at=later), BODY, later) == "r1"
    assert published.asked == 2


async def test_without_any_key_nothing_is_genuine() -> None:
    async with provider_session() as session:
        callbacks = FalCallbacks(session, "http://127.0.0.1:1/jwks.json")
        assert await callbacks.verify(signed(OLD), BODY, NOW) is None
