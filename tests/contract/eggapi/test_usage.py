"""Usage by model, key, day and period, page by page or as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from shared.ledger.entry import refund
from tests.harness.client import Customer
from tests.harness.stack import Stack

EXACT = {"charged_usd", "refunded_usd"}
Rows = list[dict[str, str]]


def table(text: str) -> Rows:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def plain(rows: list[dict[str, Any]]) -> Rows:
    """JSON as a file has it."""
    return [{name: "" if value is None else str(value) for name, value in row.items()} for row in rows]


@pytest_asyncio.fixture
async def customer(stack: Stack) -> AsyncIterator[Customer]:
    """Has bought three pictures of two kinds, and got a part of one back."""
    async with await stack.customer() as found:
        cheap = await found.submit()
        for task_id in (cheap, await found.submit(model="nanobanana-pro"), await found.submit()):
            await found.finished(task_id)
        given_back = refund(cheap, 1, 4_000_000, "nanobanana", found.key_id, "test", "blurred")
        await stack.ledger().append({found.account_id: [given_back]})
        yield found


async def summary(customer: Customer, **asked: str) -> list[dict[str, Any]]:
    answer = await customer.http.get("/v1/usage/summary", params=asked)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


async def test_totals_agree_with_the_ledger_whatever_they_are_grouped_by(
    stack: Stack, customer: Customer
) -> None:
    today = f"{stack.clock.now():%Y-%m-%d}"
    assert await summary(customer) == [
        {"model": "nanobanana", "total_units": 2, "total_cost": "$0.0160", "request_count": 2},
        {"model": "nanobanana-pro", "total_units": 1, "total_cost": "$0.0160", "request_count": 1},
    ]
    spent = Decimal((await stack.balance(customer)).spent).scaleb(-9)
    for by, name in (("model", "model"), ("key", "key_id"), ("day", "day")):
        rows = await summary(customer, by=by)
        assert all(name in row and row.keys() >= EXACT for row in rows)
        assert sum(Decimal(row["charged_usd"]) - Decimal(row["refunded_usd"]) for row in rows) == spent
    assert [row["key_id"] for row in await summary(customer, by="key")] == [customer.key_id]
    assert await summary(customer, by="day", model="nanobanana", key=customer.key_id, **{"from": today}) == [
        {
            "day": today,
            "total_units": 2,
            "total_cost": "$0.0160",
            "request_count": 2,
            "charged_usd": "0.020000000",
            "refunded_usd": "0.004000000",
        }
    ]
    assert await summary(customer, to="2020-01-01") == []
    assert await summary(customer, key="key_nobodys") == []


async def test_records_are_read_from_a_cursor_on(customer: Customer) -> None:
    pages, cursor = [], None
    while True:
        asked = {"limit": "2"} if cursor is None else {"limit": "2", "cursor": cursor}
        data = (await customer.http.get("/v1/usage", params=asked)).json()["data"]
        assert set(data) == {"items", "next_cursor"}
        pages.append(data["items"])
        if (cursor := data["next_cursor"]) is None:
            break

    assert [len(page) for page in pages] == [2, 1]
    records = [record for page in pages for record in page]
    paged = (await customer.http.get("/v1/usage")).json()["data"]["items"]
    exact = ("key_id", "cost_usd")
    assert [{k: v for k, v in record.items() if k not in exact} for record in records] == paged
    assert sum(Decimal(record["cost_usd"]) for record in records) == Decimal("0.036")
    of_model = (await customer.http.get("/v1/usage?model=nanobanana-pro")).json()["data"]
    assert [item["model"] for item in of_model["items"]] == ["nanobanana-pro"]
    assert of_model["pagination"]["total"] == 1


@pytest.mark.parametrize("asked", [{"params": {"format": "csv"}}, {"headers": {"Accept": "text/csv"}}])
async def test_files_hold_what_the_pages_do(customer: Customer, asked: dict[str, dict[str, str]]) -> None:
    records = (await customer.http.get("/v1/usage?limit=100")).json()["data"]["items"]
    answer = await customer.http.get("/v1/usage", **asked)

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="usage.csv"'
    assert table(answer.text) == plain(records)
    totals = await customer.http.get("/v1/usage/summary", **asked)
    assert table(totals.text) == plain(await summary(customer, by="model"))
    assert totals.headers["content-disposition"] == 'attachment; filename="usage-summary.csv"'


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/v1/usage/summary?by=colour", "by"),
        ("/v1/usage/summary?from=yesterday", "from"),
        ("/v1/usage/summary?to=2026-11-20T09:15:00Z", "to"),
        ("/v1/usage/summary?from=2026-11-20&to=2026-11-19", "from"),
        ("/v1/usage/summary?page=1", "page"),
        ("/v1/usage/summary?format=xml", "format"),
        ("/v1/usage/summary?model=", "model"),
        ("/v1/usage?colour=red", "colour"),
        ("/v1/usage?limit=101", "limit"),
        ("/v1/usage?limit=1&limit=2", "limit"),
        ("/v1/usage?limit=1&page=1", "page"),
        ("/v1/usage?cursor=here", "cursor"),
        ("/v1/usage?cursor=99999999999999.gen_1&page=1", "page"),
        ("/v1/usage?format=csv&limit=5", "limit"),
    ],
)
async def test_a_parameter_that_is_wrong_is_named(stack: Stack, path: str, named: str) -> None:
    async with await stack.customer("0") as customer:
        answer = await customer.http.get(path)

    assert answer.status_code == 400
    assert answer.json()["data"] is None
    assert answer.json()["error"]["code"] == "VALIDATION_ERROR"
    assert answer.json()["error"]["message"].startswith(f"{named} ")
