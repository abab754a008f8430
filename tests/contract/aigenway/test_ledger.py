"""The statement as customers read it."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from shared.accounts.key import Keys
from shared.ledger.entry import refund, reversal
from tests.harness.client import Customer
from tests.harness.stack import Stack

TOTALS = ("available", "held", "spent", "owed")


@pytest_asyncio.fixture
async def customer(stack: Stack) -> AsyncIterator[Customer]:
    """Has bought two pictures for a dollar's top-up, got one back, and then took back the payment."""
    async with await stack.customer("1") as found:
        tasks = [await found.submit(), await found.submit()]
        await found.all_finished(tasks)
        given_back = refund(tasks[0], 1, 10_000_000, "nanobanana", found.key_id, "olga", "=1+1")
        taken_back = reversal(f"re_{found.account_id}", 10**9, {"event": "evt_1"})
        for entry in (given_back, taken_back):
            await stack.ledger().append({found.account_id: [entry]})
        yield found


async def read(customer: Customer, **asked: str) -> dict[str, Any]:
    answer = await customer.http.get("/v1/ledger", params=asked)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_the_statement_tells_what_happened_and_what_was_left(stack: Stack, customer: Customer) -> None:
    body = await read(customer)
    newest, refunded, *others = body["items"]
    balance = await stack.balance(customer)

    assert body["next_cursor"] is None
    assert newest["kind"] == "reversal"
    assert {name: newest[f"{name}_usd"] for name in TOTALS} == {
        "available": "0.000000000",
        "held": "0.000000000",
        "spent": "0.010000000",
        "owed": "0.010000000",
    }
    assert [Decimal(newest[f"{name}_usd"]).scaleb(9) for name in TOTALS] == [
        getattr(balance, name) for name in TOTALS
    ]
    assert {name: refunded[name] for name in ("kind", "amount_usd", "reason", "key_id", "available_usd")} == {
        "kind": "refund",
        "amount_usd": "0.010000000",
        "reason": "=1+1",
        "key_id": customer.key_id,
        "available_usd": "0.990000000",
    }
    assert sorted(item["kind"] for item in others) == ["end", "end", "hold", "hold", "topup"]
    assert "olga" not in str(body)
    assert "evt_1" not in str(body)


async def test_pages_follow_each_other_in_both_directions(customer: Customer) -> None:
    everything = (await read(customer, limit="100"))["items"]
    for order, expected in (("desc", everything), ("asc", everything[::-1])):
        items, cursor = [], None
        while True:
            body = await read(customer, limit="2", order=order, **({"cursor": cursor} if cursor else {}))
            items += body["items"]
            if (cursor := body["next_cursor"]) is None:
                break
        assert items == expected
    assert [item["kind"] for item in (await read(customer, kind="topup"))["items"]] == ["topup"]
    assert (await read(customer, to="2020-01-01"))["items"] == []
    since = everything[-1]["at"]
    assert len((await read(customer, **{"from": since}))["items"]) == len(everything)
    assert (await read(customer, to=since))["items"] == []


async def test_the_file_holds_what_the_pages_do(customer: Customer) -> None:
    items = (await read(customer))["items"]
    answer = await customer.http.get("/v1/ledger", headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))

    assert answer.headers["content-disposition"] == 'attachment; filename="ledger.csv"'
    assert rows[1].pop("reason") == "'=1+1"
    assert items[1].pop("reason") == "=1+1"
    assert [{name: cell for name, cell in row.items() if cell} for row in rows] == [
        {name: str(value) for name, value in item.items()} for item in items
    ]
    assert (await customer.http.get("/v1/ledger?format=csv")).text == answer.text


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("limit=101", "limit"),
        ("limit=0", "limit"),
        ("kind=gift", "kind"),
        ("order=up", "order"),
        ("cursor=x", "cursor"),
        ("cursor=0.0", "cursor"),
        ("from=now", "from"),
        ("to=2026-11-20T09:15:00", "to"),
        ("page=2", "page"),
        ("format=csv&cursor=1.0", "cursor"),
    ],
)
async def test_a_parameter_that_is_wrong_is_named(stack: Stack, query: str, named: str) -> None:
    async with await stack.customer("0") as customer:
        answer = await customer.http.get(f"/v1/ledger?{query}")

    assert answer.status_code == 422
    assert answer.json()["success"] is False
    assert answer.json()["error"]["code"] == "invalid_parameters"
    assert answer.json()["error"]["details"] == {"field": named}


async def test_it_takes_the_scope_of_billing(stack: Stack) -> None:
    async with await stack.customer("1") as customer:
        keys = Keys(stack.database, stack.clock, stack.settings().key_pepper)
        for scopes, status in ((("tasks:read",), 403), (("billing",), 200)):
            _, key = await keys.create(customer.account_id, scopes=scopes)
            answer = await customer.http.get("/v1/ledger", headers={"Authorization": f"Bearer {key}"})
            assert answer.status_code == status


async def test_the_balance_tells_what_is_owed(stack: Stack, customer: Customer) -> None:
    body = (await customer.http.get("/v1/balance")).json()
    assert body == {"balance": "0", "held": "0", "available": "0", "currency": "USD", "owed": "1000000"}

    async with await stack.customer("1") as other:
        assert "owed" not in (await other.http.get("/v1/balance")).json()


async def test_the_balance_is_the_last_line_of_the_statement_as_a_file_too(customer: Customer) -> None:
    last = (await read(customer, limit="1"))["items"][0]
    answer = await customer.http.get("/v1/balance", params={"format": "csv"})

    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert row == {f"{name}_usd": last[f"{name}_usd"] for name in TOTALS}
    assert answer.headers["content-type"].startswith("text/csv")
    wrong = await customer.http.get("/v1/balance", params={"format": "xml"})
    assert wrong.status_code == 422
    assert wrong.json()["error"]["details"]["field"] == "format"
