"""Signatures that receivers verify."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta, timezone

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from services.notifier.signing import AigenwaySigner, Signer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEWER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


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


def test_aigenways_signature_takes_the_body_alone_and_the_standard_one_stands_beside_it() -> None:
    at = datetime.now(UTC)

    headers = AigenwaySigner(SECRET).headers("generation.completed", "tsk_1", "whd_1", b'{"a":1}', at)

    expected = hmac.new(SECRET.encode(), b'{"a":1}', hashlib.sha256).hexdigest()
    assert (
        headers.items()
        >= {
            "User-Agent": "aiagg-webhook/1.0",
            "X-Aggregator-Event": "generation.completed",
            "X-Aggregator-Task-Id": "tsk_1",
            "X-Aggregator-Signature": f"sha256={expected}",
        }.items()
    )
    assert Webhook(SECRET).verify(b'{"a":1}', headers) == {"a": 1}


@pytest.mark.parametrize("signer", [Signer, AigenwaySigner])
def test_with_several_secrets_the_standard_signature_fits_each_and_the_dialects_the_newest(
    signer: type[Signer] | type[AigenwaySigner],
) -> None:
    at = datetime.now(UTC)

    def signed(*secrets: str) -> dict[str, str]:
        if signer is Signer:
            return Signer(*secrets).headers("whd_1", b"{}", at)
        return AigenwaySigner(*secrets).headers("generation.completed", "tsk_1", "whd_1", b"{}", at)

    headers = signed(NEWER, SECRET)

    assert Webhook(NEWER).verify(b"{}", headers) == {}
    assert Webhook(SECRET).verify(b"{}", headers) == {}
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(b"{}", signed(NEWER))
    of_the_dialect = {name: text for name, text in headers.items() if name.startswith("X-")}
    assert of_the_dialect.items() <= signed(NEWER).items()
