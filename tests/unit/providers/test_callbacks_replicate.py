from __future__ import annotations

import hmac
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from shared.http import provider_session
from shared.providers.callbacks.replicate import FETCH_EVERY, ReplicateCallbacks, secret_bytes
from tests.unit.http.serving import serving
from tests.unit.providers.upstream import tools

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RAW = b"a secret of Replicate's"
SECRET = "whsec_" + b64encode(RAW).decode()
BODY = b'{"id":"p1","status":"succeeded","output":["https://f/1"]}'
KEY = SecretStr("r8_token")


def signature(body: bytes = BODY, raw: bytes = RAW, at: datetime = NOW) -> str:
    message = f"msg_1.{int(at.timestamp())}.".encode() + body
    return "v1," + b64encode(hmac.digest(raw, message, sha256)).decode()


def headers(signatures: str, at: datetime = NOW) -> dict[str, str]:
    return {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": signatures,
    }


async def verify(signed: dict[str, str], body: bytes = BODY, now: datetime = NOW) -> str | None:
    async with provider_session() as session:
        callbacks = ReplicateCallbacks(tools(session), [], secret=SecretStr(SECRET))
        return await callbacks.verify(signed, body, now)


async def test_a_genuine_message_names_its_prediction() -> None:
    assert await verify(headers(signature())) == "p1"


async def test_one_of_several_signatures_has_to_match() -> None:
    other = signature(raw=b"the secret before")
    assert await verify(headers(f"{other} v2,abc {signature()}")) == "p1"
    assert await verify(headers(f"{other} {other}")) is None


@pytest.mark.parametrize(
    "signatures", ["", "v1,", "v1", signature().removeprefix("v1,"), signature().replace("v1", "v2"), "v1,é"]
)
async def test_anything_but_a_v1_signature_is_nothing(signatures: str) -> None:
    assert await verify(headers(signatures)) is None


@pytest.mark.parametrize(
    "change",
    [{"Webhook-Id": "msg_2"}, {"Webhook-Id": ""}, {"Webhook-Timestamp": "1"}, {"Webhook-Timestamp": "x"}],
)
async def test_a_changed_header_is_found_out(change: dict[str, str]) -> None:
    assert await verify(headers(signature()) | change) is None


async def test_a_changed_body_is_found_out() -> None:
    assert await verify(headers(signature()), BODY.replace(b"p1", b"p2")) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"id":"../x"}'])
async def test_a_signed_message_that_names_no_prediction_is_nothing(body: bytes) -> None:
    assert await verify(headers(signature(body)), body) is None


@pytest.mark.parametrize(("seconds", "genuine"), [(300, True), (-300, True), (301, False), (-301, False)])
async def test_a_message_is_good_for_five_minutes(seconds: int, genuine: bool) -> None:
    found = await verify(headers(signature()), now=NOW + timedelta(seconds=seconds))
    assert (found == "p1") is genuine


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_***", b64encode(RAW).decode()])
def test_a_secret_that_is_none_is_an_error(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        secret_bytes(secret)


async def test_the_secrets_of_all_accounts_are_fetched_once() -> None:
    raws = {"Bearer r8_token": RAW, "Bearer r8_other": b"the other account's"}
    asked: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        assert request.path == "/v1/webhooks/default/secret"
        account = request.headers["Authorization"]
        asked.append(account)
        return web.json_response({"key": "whsec_" + b64encode(raws[account]).decode()})

    async with serving(handler) as port, provider_session() as session:
        base = f"http://127.0.0.1:{port}/v1"
        callbacks = ReplicateCallbacks(tools(session), [KEY, SecretStr("r8_other")], base)
        assert await callbacks.verify(headers(signature()), BODY, NOW) == "p1"
        theirs = headers(signature(raw=raws["Bearer r8_other"]))
        assert await callbacks.verify(theirs, BODY, NOW) == "p1"
        later = NOW + timedelta(hours=1)
        forged = headers(signature(raw=b"a stranger's", at=later), later)
        assert await callbacks.verify(forged, BODY, later) is None
    assert sorted(asked) == ["Bearer r8_other", "Bearer r8_token"]


@pytest.mark.parametrize("answer", [{}, {"key": None}, {"key": "whsec_***"}, []])
async def test_a_secret_that_was_not_given_is_asked_for_again_after_a_minute(answer: Any) -> None:
    answers: list[Any] = [answer, {"key": SECRET}]
    asked = 0

    async def handler(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.json_response(answers.pop(0))

    async with serving(handler) as port, provider_session() as session:
        callbacks = ReplicateCallbacks(tools(session), [KEY], f"http://127.0.0.1:{port}")
        for _ in range(3):
            assert await callbacks.verify(headers(signature()), BODY, NOW) is None
        assert asked == 1
        assert await callbacks.verify(headers(signature()), BODY, NOW + FETCH_EVERY) == "p1"


async def test_what_cannot_be_genuine_makes_nobody_ask() -> None:
    asked = 0

    async def handler(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.json_response({"key": SECRET})

    async with serving(handler) as port, provider_session() as session:
        callbacks = ReplicateCallbacks(tools(session), [KEY], f"http://127.0.0.1:{port}")
        assert await callbacks.verify({}, BODY, NOW) is None
        assert await callbacks.verify(headers(signature()), BODY, NOW + timedelta(hours=1)) is None
        assert asked == 0
        assert await callbacks.verify(headers(signature()), BODY, NOW) == "p1"
