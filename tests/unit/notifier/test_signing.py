"""Signatures that receivers verify."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta, timezone

from standardwebhooks import Webhook

from services.notifier.signing import AigenwaySigner, Signer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_known_vector_comes_out() -> None:
    at = datetime.fromtimestamp(1614265330, UTC)

    headers = Signer(SECRET).headers("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', at)

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


def test_a_time_in_another_zone_signs_the_same_instant() -> None:
    utc = datetime.fromtimestamp(1614265330, UTC)
    elsewhere = utc.astimezone(timezone(timedelta(hours=8)))
    signer = Signer(SECRET)

    assert signer.headers("whd_1", b"{}", elsewhere) == signer.headers("whd_1", b"{}", utc)


def test_the_standard_package_verifies_a_delivery() -> None:
    body = '{"error":"é ☃"}'.encode()

    headers = Signer(SECRET).headers("whd_1", body, datetime.now(UTC))

    assert Webhook(SECRET).verify(body, headers) == {"error": "é ☃"}


def test_the_dialects_own_signature_is_keyed_with_the_secret_as_shown() -> None:
    headers = Signer(SECRET).headers("whd_1", b'{"a":1}', datetime.fromtimestamp(1770110119, UTC))

    expected = hmac.new(SECRET.encode(), b'1770110119.{"a":1}', hashlib.sha256).hexdigest()
    assert headers["X-EggAPI-Timestamp"] == "1770110119"
    assert headers["X-EggAPI-Signature"] == f"sha256={expected}"


def test_two_accounts_sign_differently() -> None:
    at = datetime.fromtimestamp(1770110119, UTC)
    other = Signer("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").headers("whd_1", b"{}", at)

    mine = Signer(SECRET).headers("whd_1", b"{}", at)

    assert mine["X-EggAPI-Signature"] != other["X-EggAPI-Signature"]
    assert mine["webhook-signature"] != other["webhook-signature"]


def test_aigenways_signature_takes_the_body_alone() -> None:
    headers = AigenwaySigner(SECRET).headers("generation.completed", "tsk_1", b'{"a":1}')

    expected = hmac.new(SECRET.encode(), b'{"a":1}', hashlib.sha256).hexdigest()
    assert headers == {
        "User-Agent": "aiagg-webhook/1.0",
        "X-Aggregator-Event": "generation.completed",
        "X-Aggregator-Task-Id": "tsk_1",
        "X-Aggregator-Signature": f"sha256={expected}",
    }
