"""What Stripe sends to us, or somebody else in its name."""

from __future__ import annotations

import time
from typing import Any

import httpx
import orjson
import pytest
import stripe
from pydantic import SecretStr

from services.api.strangers import Strangers
from services.api.topups.hook import MOST_EVENT_BYTES, StripeHook, stripe_endpoints
from shared.bus.publisher import Publisher
from shared.mongo import Database
from shared.payments.events import PaymentEvents
from tests.integration.api.asking import client_of
from tests.unit.building import StillClock

OLD, NEW = "whsec_old", "whsec_new"
EVENT: dict[str, Any] = {
    "id": "evt_1",
    "object": "event",
    "type": "refund.created",
    "data": {
        "object": {
            "id": "re_1",
            "amount": 500,
            "currency": "usd",
            "payment_intent": "pi_1",
            "status": "succeeded",
        }
    },
}


class Hook:
    """The endpoint, asked as Stripe asks."""

    def __init__(self, database: Database, clock: StillClock, *secrets: str, per_second: int = 100) -> None:
        self.events = database["payment_events"]
        hook = StripeHook(
            [SecretStr(one) for one in secrets],
            PaymentEvents(database, clock),
            # No broker: billing finds what is kept all the same.
            Publisher("amqp://127.0.0.1:1/", "test"),
        )
        self.client = client_of(stripe_endpoints(hook, Strangers(per_second=per_second)))

    async def post(
        self, body: bytes, secret: str = NEW, age: int = 0, signed: str | bytes | None = None
    ) -> httpx.Response:
        if signed is None:
            at = int(time.time()) - age
            signed = stripe.WebhookSignature.generate_signature_header(body.decode(), secret, at)
        async with self.client as client:
            return await client.post(
                "/callbacks/stripe", content=body, headers=[(b"stripe-signature", _bytes(signed))]
            )


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


@pytest.fixture
def hook(database: Database, clock: StillClock) -> Hook:
    return Hook(database, clock, OLD, NEW)


@pytest.mark.parametrize("secret", [OLD, NEW])
async def test_a_genuine_event_is_kept_with_what_money_needs(hook: Hook, secret: str) -> None:
    answer = await hook.post(orjson.dumps(EVENT), secret)
    assert answer.status_code == 200
    kept = await hook.events.find_one({"_id": "evt_1"})
    assert kept is not None
    assert kept["notices"] == [
        {"said": "refunded", "payment": "pi_1", "subject": "re_1", "amount_cents": 500, "currency": "usd"}
    ]
    assert kept["wake_at"] == kept["received_at"]


async def test_an_event_that_comes_again_is_kept_once(database: Database, clock: StillClock) -> None:
    for _ in range(2):
        assert (await Hook(database, clock, NEW).post(orjson.dumps(EVENT))).status_code == 200
    assert await database["payment_events"].count_documents({}) == 1


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"secret": "whsec_of_nobody"}, "bad_signature"),
        ({"age": 301}, "bad_signature"),
        ({"signed": ""}, "bad_signature"),
        ({"signed": "t=1"}, "bad_signature"),
        ({"signed": "t=now,v1=00"}, "bad_signature"),
        ({"signed": f"t={int(time.time())},v1=é".encode("latin-1")}, "bad_signature"),
    ],
)
async def test_what_is_forged_or_old_is_refused_and_not_kept(
    hook: Hook, how: dict[str, Any], code: str
) -> None:
    answer = await hook.post(orjson.dumps(EVENT), **how)
    assert (answer.status_code, answer.json()) == (400, {"error": code})
    assert await hook.events.count_documents({}) == 0


async def test_a_body_that_was_changed_on_its_way_is_refused(hook: Hook) -> None:
    body = orjson.dumps(EVENT)
    at = int(time.time())
    signed = stripe.WebhookSignature.generate_signature_header(body.decode(), NEW, at)
    answer = await hook.post(body.replace(b"500", b"501"), signed=signed)
    assert answer.status_code == 400


async def test_bytes_that_are_no_text_are_refused(hook: Hook) -> None:
    assert (await hook.post(b"\xff", signed="t=1,v1=00")).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        orjson.dumps({**EVENT, "id": None}),
        orjson.dumps({**EVENT, "id": "e" * 256}),
        orjson.dumps({**EVENT, "type": 7}),
        orjson.dumps({**EVENT, "data": {}}),
    ],
)
async def test_what_is_signed_and_unreadable_is_refused(hook: Hook, body: bytes) -> None:
    answer = await hook.post(body)
    assert (answer.status_code, answer.json()) == (400, {"error": "unreadable_event"})
    assert await hook.events.count_documents({}) == 0


async def test_events_of_other_things_are_taken_and_not_kept(hook: Hook) -> None:
    assert (await hook.post(orjson.dumps({**EVENT, "type": "customer.created"}))).status_code == 200
    assert await hook.events.count_documents({}) == 0


async def test_a_huge_body_is_refused_before_it_is_looked_at(hook: Hook) -> None:
    answer = await hook.post(b" " * (MOST_EVENT_BYTES + 1), signed="t=1,v1=00")
    assert (answer.status_code, answer.json()) == (413, {"error": "body_too_large"})


async def test_who_forges_too_often_is_told_to_wait(database: Database, clock: StillClock) -> None:
    hook = Hook(database, clock, NEW, per_second=1)
    async with hook.client as client:
        statuses = [(await client.post("/callbacks/stripe")).status_code for _ in range(5)]
    assert statuses[0] == 400
    assert 429 in statuses


async def test_without_a_secret_there_is_nothing(database: Database, clock: StillClock) -> None:
    assert (await Hook(database, clock).post(orjson.dumps(EVENT))).status_code == 404
