"""The pretended Stripe, as Stripe's own package meets it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx
import orjson
import pytest
import stripe
from aiohttp import web

from tests.harness.eventually import eventually
from tests.unit.http.serving import serving

SECRET = "whsec_of_the_tests"
ASKED: Any = {
    "mode": "payment",
    "line_items": [
        {
            "quantity": 1,
            "price_data": {"currency": "usd", "unit_amount": 2500, "product_data": {"name": "Top-up"}},
        }
    ],
    "client_reference_id": "acc_1",
    "metadata": {"topup_id": "top_1"},
    "success_url": "https://shop.example.org/",
}


class Heard:
    """A merchant's hook: keeps what comes, with its signature."""

    def __init__(self) -> None:
        self.posts: list[tuple[bytes, str]] = []

    async def take(self, request: web.Request) -> web.Response:
        self.posts.append((await request.read(), request.headers["Stripe-Signature"]))
        return web.Response()

    async def events(self, count: int) -> list[stripe.Event]:
        """So many, each checked by the package."""

        async def enough() -> bool:
            return len(self.posts) >= count

        await eventually(enough)
        return [stripe.Webhook.construct_event(body, signed, SECRET) for body, signed in self.posts]


@pytest.fixture
async def client(simulator: str) -> AsyncIterator[stripe.StripeClient]:
    async with aiohttp.ClientSession() as session:
        yield stripe.StripeClient(
            "sk_test_1",
            base_addresses={"api": f"{simulator}/stripe"},
            http_client=stripe.AIOHTTPClient(session=session, timeout=aiohttp.ClientTimeout(10)),
        )


@pytest.fixture
async def heard(sim: httpx.AsyncClient) -> AsyncIterator[Heard]:
    hook = Heard()
    async with serving(hook.take) as port:
        answer = await sim.put(
            "/_sim/stripe/hook", json={"url": f"http://127.0.0.1:{port}/", "secret": SECRET}
        )
        assert answer.status_code == 200
        yield hook


async def opened(client: stripe.StripeClient, **options: Any) -> stripe.checkout.Session:
    return await client.v1.checkout.sessions.create_async(params=ASKED, options=options)


async def act(sim: httpx.AsyncClient, path: str, **body: Any) -> list[dict[str, Any]]:
    answer = await sim.post(f"/_sim/stripe/{path}", json=body)
    assert answer.status_code == 200, answer.text
    events: list[dict[str, Any]] = answer.json()["events"]
    return events


async def test_a_page_is_made_read_and_paid_in_a_browser(
    client: stripe.StripeClient, sim: httpx.AsyncClient, heard: Heard
) -> None:
    session = await opened(client)
    assert (session.amount_total, session.payment_status, session.status) == (2500, "unpaid", "open")
    assert "Pay $25.00" in (await sim.get(str(session.url))).text
    paid = await sim.post(str(session.url))
    assert (paid.status_code, paid.headers["location"]) == (303, "https://shop.example.org/")

    charge, completed = await heard.events(2)

    again = await client.v1.checkout.sessions.retrieve_async(session.id)
    assert (again.status, again.payment_status) == ("complete", "paid")
    assert (charge.type, completed.type) == ("charge.succeeded", "checkout.session.completed")
    assert completed.data.object["payment_intent"] == again.payment_intent
    assert completed.data.object["metadata"]["topup_id"] == "top_1"


async def test_the_same_idempotency_key_gives_the_same_page(client: stripe.StripeClient) -> None:
    first = await opened(client, idempotency_key="one")
    assert (await opened(client, idempotency_key="one")).id == first.id
    assert (await opened(client, idempotency_key="other")).id != first.id
    other: Any = {**ASKED, "client_reference_id": "acc_2"}
    with pytest.raises(stripe.IdempotencyError):
        await client.v1.checkout.sessions.create_async(params=other, options={"idempotency_key": "one"})


async def test_refusals_have_stripes_form(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No such checkout"):
        await client.v1.checkout.sessions.retrieve_async("cs_none")
    nothing: Any = {"mode": "payment", "success_url": "https://shop.example.org/"}
    with pytest.raises(stripe.InvalidRequestError, match="line_items"):
        await client.v1.checkout.sessions.create_async(params=nothing)
    with pytest.raises(stripe.InvalidRequestError, match="No such payment_intent"):
        await client.v1.refunds.create_async(params={"payment_intent": "pi_none"})


async def test_refunds_and_disputes_are_told_of(
    client: stripe.StripeClient, sim: httpx.AsyncClient, heard: Heard
) -> None:
    session = await opened(client)
    await act(sim, f"pay/{session.id}")
    payment = str((await client.v1.checkout.sessions.retrieve_async(session.id)).payment_intent)
    await heard.events(2)
    refund = await client.v1.refunds.create_async(params={"payment_intent": payment, "amount": 500})
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        await client.v1.refunds.create_async(params={"payment_intent": payment, "amount": 2001})
    await heard.events(4)
    (created, _) = await act(sim, f"dispute/{payment}", amount=2000)
    await heard.events(6)
    await act(sim, f"close_dispute/{created['data']['object']['id']}", outcome="won")
    await heard.events(8)
    await act(sim, f"fail_refund/{refund.id}")

    events = await heard.events(10)

    assert [event.type for event in events] == [
        "charge.succeeded",
        "checkout.session.completed",
        "refund.created",
        "charge.refunded",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
        "refund.updated",
        "refund.failed",
    ]
    assert (refund.amount, events[2].data.object["id"]) == (500, refund.id)
    assert (events[7].data.object["status"], events[9].data.object["status"]) == ("won", "failed")


async def test_a_payment_may_come_later_or_not_at_all(
    client: stripe.StripeClient, sim: httpx.AsyncClient, heard: Heard
) -> None:
    session, other = await opened(client), await opened(client)
    await act(sim, f"pay/{session.id}", outcome="later")
    (completed,) = await heard.events(1)
    await act(sim, f"pay/{session.id}", outcome="succeeded")
    *_, succeeded = await heard.events(3)
    await act(sim, f"pay/{other.id}", outcome="later")
    await heard.events(4)
    await act(sim, f"pay/{other.id}", outcome="failed")
    *_, failed = await heard.events(5)

    assert (completed.type, completed.data.object["payment_status"]) == (
        "checkout.session.completed",
        "unpaid",
    )
    assert succeeded.type == "checkout.session.async_payment_succeeded"
    assert failed.type == "checkout.session.async_payment_failed"


async def test_events_come_twice_backwards_and_with_another_amount(
    client: stripe.StripeClient, sim: httpx.AsyncClient, heard: Heard
) -> None:
    session = await opened(client)
    await act(sim, f"pay/{session.id}", amount=2400, faults={"copies": 2, "hold": True})
    assert heard.posts == []
    assert await act(sim, "release", reverse=True) == 2

    events = await heard.events(4)

    assert [event.type for event in events] == 2 * ["checkout.session.completed"] + 2 * ["charge.succeeded"]
    assert events[0].id == events[1].id
    assert events[0].data.object["amount_total"] == 2400


@pytest.mark.parametrize(
    ("faults", "said"), [({"forged": True}, "No signatures found"), ({"stale": True}, "tolerance")]
)
async def test_signatures_are_forged_or_old_on_demand(
    client: stripe.StripeClient,
    sim: httpx.AsyncClient,
    heard: Heard,
    faults: dict[str, bool],
    said: str,
) -> None:
    session = await opened(client)
    await act(sim, f"pay/{session.id}", faults=faults)
    with pytest.raises(stripe.SignatureVerificationError, match=said):
        await heard.events(2)
    assert orjson.loads(heard.posts[-1][0])["type"] == "checkout.session.completed"


async def test_what_makes_no_sense_is_refused(client: stripe.StripeClient, sim: httpx.AsyncClient) -> None:
    session = await opened(client)
    assert (await sim.put("/_sim/stripe/hook", json={"url": "https://example.org/"})).status_code == 400
    assert (await sim.post(f"/_sim/stripe/pay/{session.id}", json={"hen": 1})).status_code == 400
    assert (await sim.post("/_sim/stripe/pay/cs_none")).status_code == 404
    await act(sim, f"expire/{session.id}")
    assert (await sim.post(f"/_sim/stripe/pay/{session.id}")).status_code == 400
