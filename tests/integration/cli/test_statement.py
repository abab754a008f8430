"""`hatchery account statement` and `hatchery ledger rebuild-usage`."""

from __future__ import annotations

import csv
import io

import orjson

from shared.ledger.entry import adjust, end, hold, refund
from tests.harness.stack import Stack
from tests.integration.cli.test_commands import hatchery


async def test_an_operator_reads_a_statement(own_stack: Stack) -> None:
    async with await own_stack.customer("2") as customer:
        account = customer.account_id
    for entry in (
        hold("gen_1", 30_000_000, "nanobanana", "key_1"),
        end("gen_1", 30_000_000, 20_000_000, "nanobanana", 2, "key_1"),
        refund("gen_1", 1, 10_000_000, "nanobanana", "key_1", "olga", "blurred [bold]"),
        adjust("adj_1", -500_000_000, "olga", "=a mistake"),
    ):
        await own_stack.ledger().append({account: [entry]})

    rows = await own_stack.hatchery("account", "statement", account)
    assert [(row["id"], row["kind"], row["amount_usd"], row["available_usd"]) for row in rows] == [
        ("5.0", "adjust", "-0.500000000", "1.490000000"),
        ("4.0", "refund", "0.010000000", "1.990000000"),
        ("3.0", "end", "0.020000000", "1.980000000"),
        ("2.0", "hold", "0.030000000", "1.970000000"),
        ("1.0", "topup", "2.000000000", "2.000000000"),
    ]
    assert (rows[0]["op"], rows[0]["actor"]) == ("adjust:adj_1", "olga")
    some = await own_stack.hatchery("account", "statement", account, "--kind", "refund", "--limit", "1")
    assert some == rows[1:2]
    assert await own_stack.hatchery("account", "statement", account, "--to", "2020-01-01") == []

    code, printed = await hatchery(own_stack, "account", "statement", account, "--csv")
    assert code == 0, printed
    lines = list(csv.DictReader(io.StringIO(printed, newline="")))
    assert [line["spent_usd"] for line in lines] == [row["spent_usd"] for row in rows]
    assert lines[0]["reason"] == "'=a mistake"

    code, printed = await hatchery(own_stack, "account", "statement", account, "--limit", "2")
    assert code == 0, printed
    assert "blurred [bold]" in printed
    assert "1.990000000" in printed
    assert "2.000000000" not in printed


async def test_what_cannot_be_read_is_said(own_stack: Stack) -> None:
    async with await own_stack.customer("0") as customer:
        account = customer.account_id
    for words, said in (
        ((account,), "no entries"),
        ((account, "--from", "soon"), "--from must be a date such as 2026-11-20"),
        ((account, "--csv", "--json"), "--json and --csv exclude each other"),
        (("acc_nobody",), "acc_nobody"),
    ):
        code, printed = await hatchery(own_stack, "account", "statement", *words)
        assert code == (0 if words == (account,) else 1)
        assert said in printed


async def test_usage_is_made_anew(own_stack: Stack) -> None:
    async with await own_stack.customer("1") as customer:
        account = customer.account_id
    await own_stack.ledger().append({account: [hold("gen_1", 5, "a")]})
    await own_stack.ledger().append({account: [end("gen_1", 5, 5, "a", 1)]})

    code, printed = await hatchery(own_stack, "ledger", "rebuild-usage", account, "--json")
    assert (code, orjson.loads(printed)) == (0, {"account_id": account, "days": 1})
    rows = [one["rows"] async for one in own_stack.database["usage_days"].find({"day": {"$ne": "head"}})]
    assert [[row["cost_nano"] for row in day] for day in rows] == [[5]]
