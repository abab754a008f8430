"""Topping up by card and by code, from the customer's click to the last cent in the books."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from shared.ledger.verify import Verification
from shared.money import nano_from_usd
from tests.harness.client import Customer
from tests.harness.eventually import eventually
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

SECRET = "whsec_of_the_tests"
CENT = nano_from_usd("0.01")


def stripe_settings(simulator: Simulator) -> dict[str, str]:
    return {
        "HATCHERY_STRIPE__SECRET_KEY": "sk_test_1",
        "HATCHERY_STRIPE__BASE_URL": f"{simulator.url}/stripe",
        "HATCHERY_STRIPE__WEBHOOK_SECRETS": json.dumps(["whsec_of_yesterday", SECRET]),
    }


class Shop:
    """A customer, and the pretended Stripe where he pays."""

    def __init__(self, stack: Stack, customer: Customer, http: httpx.AsyncClient) -> None:
        self.stack = stack
        self.customer = customer
        self.stripe = http

    async def start(self, usd: str = "25.00") -> dict[str, Any]:
        answer = await self.customer.http.post("/v1/topups", json={"amount_usd": usd})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def read(self, topup_id: str) -> dict[str, Any]:
        answer = await self.customer.http.get(f"/v1/topups/{topup_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def act(self, path: str, **body: Any) -> Any:
        answer = await self.stripe.post(f"/_sim/stripe/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["events"]

    async def pay(self, topup: dict[str, Any], **body: Any) -> str:
        """The payment's id."""
        session_id = topup["checkout_url"].rpartition("/")[2]
        events = await self.act(f"pay/{session_id}", **body)
        return str(events[-1]["data"]["object"]["payment_intent"])

    async def answered(self, *events: dict[str, Any], copies: int = 1) -> Counter[int | None]:
        """What our hook has said to these, once it has."""
        wanted = {event["id"] for event in events}

        async def posts() -> list[int | None]:
            sent = (await self.stripe.get("/_sim/stripe/events")).json()["sent"]
            found = [one["status"] for one in sent if one["id"] in wanted]
            return found if len(found) >= copies * len(wanted) else []

        return Counter(await eventually(posts))

    async def available(self, cents: int, owed: int = 0) -> None:
        """Until the books say so."""

        async def so() -> bool:
            balance = await self.stack.balance(self.customer)
            return (balance.available, balance.owed) == (cents * CENT, owed * CENT)

        await eventually(so)

    async def dealt_with(self) -> None:
        """Until no event waits."""

        async def so() -> bool:
            waiting = {"wake_at": {"$exists": True}}
            return await self.stack.database["payment_events"].count_documents(waiting) == 0

        await eventually(so)

    async def books_are_clean(self) -> None:
        report = await Verification(self.stack.database, self.stack.clock.now()).run()
        assert report.violations == []


@pytest.fixture
async def shop(own_stack: Stack, simulator: Simulator) -> AsyncIterator[Shop]:
    """Two apis and two billing processes that take top-ups, and a customer without money."""
    env = stripe_settings(simulator)
    await own_stack.start("api", "billing", count=2, env=env)
    async with (
        await own_stack.customer("0") as customer,
        httpx.AsyncClient(base_url=simulator.url, timeout=30) as http,
    ):
        hook = {"url": f"{own_stack.api_url}/callbacks/stripe", "secret": SECRET}
        assert (await http.put("/_sim/stripe/hook", json=hook)).status_code == 200
        yield Shop(own_stack, customer, http)


async def test_a_card_payment_is_credited_once_and_has_a_receipt(shop: Shop) -> None:
    topup = await shop.start()
    assert (topup["status"], topup["amount_usd"], topup["paid_at"]) == ("pending", "25.000000000", None)
    assert "Pay $25.00" in (await shop.stripe.get(topup["checkout_url"])).text

    paid = await shop.stripe.post(topup["checkout_url"])
    assert paid.headers["location"] == shop.stack.api_url
    await shop.available(2500)
    await shop.dealt_with()

    receipt = await shop.read(topup["id"])
    assert (receipt["status"], receipt["method"], receipt["checkout_url"]) == ("paid", "stripe", None)
    assert receipt["receipt_number"].endswith(topup["id"][-11:].upper())
    assert receipt["receipt_url"].startswith("https://pay.stripe.example/receipts/pi_")
    listed = (await shop.customer.http.get("/v1/topups")).json()
    assert listed == {"items": [receipt], "next_cursor": None}
    await shop.books_are_clean()


async def test_replayed_events_credit_nothing_again(shop: Shop) -> None:
    topup = await shop.start()
    await shop.pay(topup, faults={"copies": 10, "new_ids": True})
    await shop.available(2500)
    other = await shop.start("10.00")
    await shop.pay(other, faults={"copies": 10})
    await shop.available(3500)
    await shop.dealt_with()
    await shop.available(3500)
    await shop.books_are_clean()


@pytest.mark.parametrize("fault", ["forged", "stale"])
async def test_forged_and_old_events_are_refused_and_credit_nothing(shop: Shop, fault: str) -> None:
    topup = await shop.start()
    session_id = topup["checkout_url"].rpartition("/")[2]
    events = await shop.act(f"pay/{session_id}", faults={fault: True})

    assert await shop.answered(*events) == {400: 2}
    assert await shop.stack.database["payment_events"].count_documents({}) == 0
    assert (await shop.read(topup["id"]))["status"] == "pending"
    assert (await shop.stack.balance(shop.customer)).available == 0


async def test_events_in_the_wrong_order_end_with_the_same_books(shop: Shop) -> None:
    topup = await shop.start()
    held = {"hold": True}
    payment = await shop.pay(topup, faults=held)
    await shop.act(f"refund/{payment}", amount=500, faults=held)
    (created, _) = await shop.act(f"dispute/{payment}", amount=2000, faults=held)
    await shop.act(f"close_dispute/{created['data']['object']['id']}", outcome="won", faults=held)
    assert await shop.act("release", reverse=True) == 8

    await shop.available(2000)
    await shop.dealt_with()

    await shop.available(2000)
    receipt = await shop.read(topup["id"])
    assert receipt["kept_usd"] == "20.000000000"
    assert sorted(
        (one["kind"], one["amount_usd"], one["returned_at"] is None) for one in receipt["refunds"]
    ) == [
        ("dispute", "20.000000000", False),
        ("refund", "5.000000000", True),
    ]
    await shop.books_are_clean()


async def test_another_amount_than_was_asked_for_credits_nothing_and_is_shown_to_the_operator(
    shop: Shop,
) -> None:
    topup = await shop.start()
    payment = await shop.pay(topup, amount=2400)

    async def problems() -> Any:
        return (await shop.stack.hatchery("topups", "--problems"))["topups"]

    (shown,) = await eventually(problems)
    assert shown["problems"] == [
        f"Payment {payment} was not credited: it is of 2400 cents in usd, not 2500 cents in usd"
    ]
    assert (await shop.stack.balance(shop.customer)).available == 0
    assert (await shop.read(topup["id"]))["status"] == "pending"


async def test_a_lost_dispute_leaves_a_debt_that_the_next_top_up_pays(shop: Shop) -> None:
    payment = await shop.pay(await shop.start())
    await shop.available(2500)
    await shop.stack.hatchery("adjust", shop.customer.account_id, "20", "--take", "--reason", "spent")
    await shop.act(f"dispute/{payment}")
    await shop.available(0, owed=2000)
    refused = await shop.customer.post()
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "INSUFFICIENT_BALANCE"

    await shop.pay(await shop.start("30.00"))

    await shop.available(1000)
    await shop.dealt_with()
    await shop.books_are_clean()


async def test_a_payment_that_takes_days_is_credited_when_it_comes(shop: Shop) -> None:
    topup, failing = await shop.start(), await shop.start("10.00")
    for one in (topup, failing):
        await shop.pay(one, outcome="later")

    async def processing() -> bool:
        found = [(await shop.read(one["id"]))["status"] for one in (topup, failing)]
        return found == ["processing", "processing"]

    await eventually(processing)
    await shop.pay(topup, outcome="succeeded")
    await shop.pay(failing, outcome="failed")
    await shop.available(2500)
    await shop.dealt_with()
    assert (await shop.read(failing["id"]))["status"] == "failed"
    assert (await shop.read(topup["id"]))["status"] == "paid"
    await shop.books_are_clean()


async def test_the_same_key_is_the_same_top_up_and_page_however_often_it_comes(shop: Shop) -> None:
    async def ask(key: str, usd: str = "25.00") -> httpx.Response:
        return await shop.customer.http.post(
            "/v1/topups", json={"amount_usd": usd}, headers={"Idempotency-Key": key}
        )

    answers = await asyncio.gather(*(ask("order-1") for _ in range(20)))
    started = await ask("order-1")
    assert started.status_code == 201
    topup = started.json()
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert all(answer.json() == topup for answer in answers if answer.status_code == 201)
    refused = {answer.json()["error"]["code"] for answer in answers if answer.status_code == 409}
    assert refused <= {"idempotency_key_in_use"}
    assert [one["id"] for one in (await shop.customer.http.get("/v1/topups")).json()["items"]] == [
        topup["id"]
    ]

    other, malformed = await ask("order-1", "30.00"), await ask("no spaces")
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_key_mismatch")
    assert malformed.status_code == 400
    assert (await ask("order-2")).json()["id"] != topup["id"]
    await shop.pay(topup)
    await shop.available(2500)
    assert (await ask("order-1")).json() == await shop.read(topup["id"])


@pytest.mark.parametrize("asks_again", [True, False])
async def test_a_top_up_that_a_crash_left_without_a_page_gets_it_or_is_given_up(
    own_stack: Stack, simulator: Simulator, asks_again: bool
) -> None:
    env = stripe_settings(simulator)
    (armed,) = await own_stack.start("api", env=env | {"HATCHERY_KILL_POINT": "payments.topup_kept"})
    body, headers = {"amount_usd": "25.00"}, {"Idempotency-Key": "order-1"}
    async with await own_stack.customer("0") as customer:
        with pytest.raises(httpx.TransportError):
            await customer.http.post("/v1/topups", json=body, headers=headers)
        assert await armed.wait() == -9
        await own_stack.start("api", env=env)
        (left,) = (await customer.http.get("/v1/topups")).json()["items"]
        assert (left["status"], left["checkout_url"]) == ("pending", None)
        if not asks_again:
            due = {"$set": {"wake_at": own_stack.clock.now()}}
            await own_stack.database["topups"].update_many({"wake_at": {"$exists": True}}, due)
            await own_stack.start("billing")

            async def given_up() -> bool:
                answer = await customer.http.get(f"/v1/topups/{left['id']}")
                return bool(answer.json()["status"] == "failed")

            await eventually(given_up)

        topup = (await customer.http.post("/v1/topups", json=body, headers=headers)).json()

        assert topup["checkout_url"].startswith(f"{simulator.url}/stripe/pay/")
        assert (topup["id"] == left["id"]) == asks_again
        assert await own_stack.database["topups"].count_documents({"wake_at": {"$exists": True}}) == 0


@pytest.mark.parametrize("point", ["payments.decided", "payments.credited"])
async def test_a_death_between_keeping_and_crediting_loses_and_doubles_nothing(
    own_stack: Stack, simulator: Simulator, point: str
) -> None:
    env = stripe_settings(simulator)
    await own_stack.start("api", env=env)
    (armed,) = await own_stack.start("billing", env={"HATCHERY_KILL_POINT": point})
    async with (
        await own_stack.customer("0") as customer,
        httpx.AsyncClient(base_url=simulator.url, timeout=30) as http,
    ):
        shop = Shop(own_stack, customer, http)
        hook = {"url": f"{own_stack.api_url}/callbacks/stripe", "secret": SECRET}
        await http.put("/_sim/stripe/hook", json=hook)
        await shop.pay(await shop.start())
        assert await armed.wait() == -9
        await own_stack.database["payment_events"].update_many(
            {"wake_at": {"$exists": True}}, {"$set": {"wake_at": own_stack.clock.now()}}
        )
        await own_stack.start("billing")

        await shop.available(2500)
        await shop.dealt_with()
        await shop.available(2500)
        await shop.books_are_clean()


async def test_one_code_wanted_by_two_accounts_at_fifty_places_is_credited_once(own_stack: Stack) -> None:
    await own_stack.start("api", count=2)
    made = await own_stack.hatchery("code", "create", "--amount", "25")
    code = made["codes"][0]["code"]
    async with await own_stack.customer("0") as one, await own_stack.customer("0") as two:
        connections = [customer.connection() for customer in (one, two) for _ in range(8)]
        answers = await asyncio.gather(
            *(
                connections[number % 16].post("/v1/topups/redeem", json={"code": code.lower()})
                for number in range(50)
            )
        )
        for connection in connections:
            await connection.aclose()
        balances = [(await own_stack.balance(customer)).available for customer in (one, two)]

    served = [program for program in own_stack.of("api") if "listening" in program.log.read_text()]
    assert len(served) == 2
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) == {200, 422}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 200}) == 1
    refusals = {answer.json()["error"]["message"] for answer in answers if answer.status_code == 422}
    assert refusals == {"This code cannot be redeemed"}
    assert sorted(balances) == [0, 2500 * CENT]
    report = await Verification(own_stack.database, own_stack.clock.now()).run()
    assert report.violations == []


@pytest.mark.parametrize("asks_again", [True, False])
async def test_a_death_after_a_code_was_claimed_costs_nobody_his_money(
    own_stack: Stack, asks_again: bool
) -> None:
    (armed,) = await own_stack.start("api", env={"HATCHERY_KILL_POINT": "payments.code_claimed"})
    code = (await own_stack.hatchery("code", "create", "--amount", "25"))["codes"][0]["code"]
    async with await own_stack.customer("0") as customer:
        with pytest.raises(httpx.TransportError):
            await customer.http.post("/v1/topups/redeem", json={"code": code})
        assert await armed.wait() == -9
        await own_stack.start("api")
        if asks_again:
            assert (await customer.http.post("/v1/topups/redeem", json={"code": code})).status_code == 200
        else:
            now = own_stack.clock.now()
            await own_stack.database["codes"].update_many({}, {"$set": {"wake_at": now}})
            await own_stack.start("billing")

        async def credited() -> bool:
            return (await own_stack.balance(customer)).available == 2500 * CENT

        await eventually(credited)
        (topup,) = (await customer.http.get("/v1/topups")).json()["items"]
    assert (topup["status"], topup["method"]) == ("paid", "code")
    report = await Verification(own_stack.database, own_stack.clock.now()).run()
    assert report.violations == []


async def test_who_guesses_codes_is_told_to_wait(stack: Stack) -> None:
    async with await stack.customer("0") as customer:
        answers = await asyncio.gather(
            *(customer.http.post("/v1/topups/redeem", json={"code": f"guess {n}"}) for n in range(60))
        )
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) == {422, 429}
    assert 30 <= statuses[422] <= 35


async def test_without_stripe_there_are_no_payment_pages(own_stack: Stack) -> None:
    await own_stack.start("api", env={"HATCHERY_STRIPE__SECRET_KEY": ""})
    async with await own_stack.customer("0") as customer:
        answer = await customer.http.post("/v1/topups", json={"amount_usd": "25.00"})
        hook = await customer.http.post("/callbacks/stripe", json={})
    assert (answer.status_code, hook.status_code) == (404, 404)
    assert "HATCHERY_STRIPE__SECRET_KEY" in answer.json()["error"]["message"]


async def test_a_stripe_that_does_not_answer_costs_nothing_but_an_error(
    own_stack: Stack, simulator: Simulator
) -> None:
    env = stripe_settings(simulator) | {"HATCHERY_STRIPE__BASE_URL": "http://127.0.0.1:9"}
    await own_stack.start("api", env=env)
    async with await own_stack.customer("0") as customer:
        answers = [
            await customer.http.post(
                "/v1/topups", json={"amount_usd": "25.00"}, headers={"Idempotency-Key": "order-1"}
            )
            for _ in range(2)
        ]
        listed = (await customer.http.get("/v1/topups")).json()["items"]
    for answer in answers:
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
    assert [one["status"] for one in listed] == ["failed", "failed"]


async def test_pages_of_top_ups_follow_each_other_and_are_an_accounts_own(stack: Stack) -> None:
    async with await stack.customer("0") as customer, await stack.customer("0") as stranger:
        made = [
            (await stack.hatchery("topup", customer.account_id, "1", "--reason", "a gift"))["topup_id"]
            for _ in range(3)
        ]
        first = (await customer.http.get("/v1/topups?limit=2")).json()
        second = (await customer.http.get(f"/v1/topups?limit=2&cursor={first['next_cursor']}")).json()
        foreign = await stranger.http.get(f"/v1/topups/{made[0]}")
        none = (await stranger.http.get("/v1/topups")).json()
        wrong = await customer.http.get("/v1/topups?limit=101")
    assert [one["id"] for one in first["items"] + second["items"]] == made[::-1]
    assert second["next_cursor"] is None
    assert {one["method"] for one in first["items"]} == {"manual"}
    assert (foreign.status_code, none["items"], wrong.status_code) == (404, [], 422)
