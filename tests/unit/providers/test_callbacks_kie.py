from __future__ import annotations

import hmac
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from pydantic import SecretStr

from shared.providers.callbacks.kie import KieCallbacks

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CALLBACKS = KieCallbacks(SecretStr("webhook-key"))
BODY = b'{"code":200,"msg":"ok","data":{"taskId":"t1","state":"success","consumeCredits":4}}'


def signed(task_id: str = "t1", key: bytes = b"webhook-key", at: datetime = NOW) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    signature = hmac.digest(key, f"{task_id}.{stamp}".encode(), sha256)
    return {"X-Webhook-Timestamp": stamp, "X-Webhook-Signature": b64encode(signature).decode()}


@pytest.mark.parametrize(
    "body",
    [
        BODY,
        b'{"code":501,"msg":"Playground task failed.","data":{"taskId":"t1","state":"fail"}}',
        b'{"data":{"task_id":"t1"}}',
        b'{"taskId":"t1"}',
    ],
)
async def test_a_genuine_message_names_its_task(body: bytes) -> None:
    assert await CALLBACKS.verify(signed(), body, NOW) == "t1"


async def test_the_names_of_headers_may_come_in_any_case() -> None:
    lower = {name.lower(): value for name, value in signed().items()}
    assert await CALLBACKS.verify(lower, BODY, NOW) == "t1"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed("t2"),
        signed(key=b"another"),
        signed() | {"X-Webhook-Signature": ""},
        signed() | {"X-Webhook-Signature": "é"},
        signed() | {"X-Webhook-Timestamp": str(int(NOW.timestamp()) + 1)},
        signed() | {"X-Webhook-Timestamp": "-1"},
    ],
)
async def test_a_message_signed_otherwise_is_not_genuine(headers: dict[str, str]) -> None:
    assert await CALLBACKS.verify(headers, BODY, NOW) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"{broken", b'{"data":{"taskId":"a/b"}}'])
async def test_a_message_that_names_no_task_is_nothing(body: bytes) -> None:
    assert await CALLBACKS.verify(signed(), body, NOW) is None


@pytest.mark.parametrize(("seconds", "genuine"), [(300, True), (-300, True), (301, False), (-301, False)])
async def test_a_message_is_good_for_five_minutes(seconds: int, genuine: bool) -> None:
    found = await CALLBACKS.verify(signed(), BODY, NOW + timedelta(seconds=seconds))
    assert (found == "t1") is genuine
