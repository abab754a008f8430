"""The official Python package of Standard Webhooks, on deliveries of a real notifier."""

from __future__ import annotations

from datetime import UTC, datetime

from standardwebhooks import Webhook, WebhookVerificationError

from services.notifier.signing import StandardSigner
from tests.contract.webhooks.cases import Case
from tests.contract.webhooks.programs import misjudged


def passes(case: Case) -> bool:
    try:
        Webhook(case.secret).verify(case.body, case.headers, json_parse=False)
    except (WebhookVerificationError, ValueError):
        # The latter is what it raises for a header that is no list of signatures.
        return False
    return True


def test_the_package_says_the_same_of_every_delivery(cases: list[Case]) -> None:
    standard = [case for case in cases if case.scheme == "standard"]
    assert len(standard) > 50
    assert misjudged(standard, [passes(case) for case in standard]) == []


def test_the_published_vector_is_signed_as_published() -> None:
    at = datetime.fromtimestamp(1614265330, UTC)
    signer = StandardSigner(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    headers = signer.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', at)
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
