"""Limits, discounts and thresholds as an operator types them."""

from __future__ import annotations

import orjson
import pytest

from tests.harness.stack import Stack
from tests.integration.cli.test_commands import hatchery


async def test_caps_are_set_shown_and_removed(own_stack: Stack) -> None:
    async with await own_stack.customer() as customer:
        account, key = customer.account_id, customer.key_id
    code, printed = await hatchery(
        own_stack, "account", "limit", account, "--day", "20", "--month", "300", "--actor", "anna"
    )
    assert code == 0, printed
    assert "account: $20.00 a day, $0.00 spent or held in" in printed
    code, printed = await hatchery(own_stack, "key", "limit", key, "--day", "2.5", "--json")
    assert code == 0, printed
    (cap,) = orjson.loads(printed)["limits"]
    assert (cap["key_id"], cap["per"], cap["limit_usd"]) == (key, "day", "2.500000000")

    code, printed = await hatchery(own_stack, "account", "show", account)
    assert code == 0, printed
    assert printed.count("spent or held in") == 3
    assert f"{key}: $2.50 a day" in printed

    code, printed = await hatchery(own_stack, "account", "limit", account, "--off")
    assert (code, printed) == (0, "no spend caps\n")
    code, printed = await hatchery(own_stack, "account", "show", account, "--json")
    assert [one["key_id"] for one in orjson.loads(printed)["limits"]] == [key]
    entry = await own_stack.database["ledger"].find_one({"entries.kind": "cap"}, sort=[("seq", 1)])
    assert entry is not None
    assert entry["entries"][0]["actor"] == "anna"


async def test_discounts_are_agreed_and_ended_model_by_model(own_stack: Stack) -> None:
    async with await own_stack.customer() as customer:
        account = customer.account_id
    await hatchery(own_stack, "account", "discount", account, "20")
    code, printed = await hatchery(
        own_stack, "account", "discount", account, "5", "--model", "veo3.1", "--json"
    )
    assert code == 0, printed
    assert orjson.loads(printed)["discounts"] == {"*": 20, "veo3.1": 5}

    code, printed = await hatchery(own_stack, "account", "show", account)
    assert "20% off *" in printed
    assert "5% off veo3.1" in printed

    code, printed = await hatchery(own_stack, "account", "discount", account, "--off", "--model", "veo3.1")
    assert (code, printed) == (0, "20% off *\n")
    code, printed = await hatchery(own_stack, "account", "discount", account, "--off")
    assert (code, printed) == (0, "no discounts\n")


async def test_thresholds_are_chosen_and_taken_off(own_stack: Stack) -> None:
    async with await own_stack.customer() as customer:
        account = customer.account_id
    words = ("--low-balance", "5", "--usage", "100, 50,100")
    code, printed = await hatchery(own_stack, "account", "thresholds", account, *words)
    assert code == 0, printed
    assert printed == "told of a balance below $5.00 and a month's usage of $50.00, $100.00\n"

    code, printed = await hatchery(own_stack, "account", "show", account, "--json")
    assert orjson.loads(printed)["thresholds"] == {
        "low_balance_usd": "5.000000000",
        "usage_usd": ["50.000000000", "100.000000000"],
    }

    code, printed = await hatchery(own_stack, "account", "thresholds", account, "--off")
    assert (code, printed) == (0, "told of nothing\n")
    code, printed = await hatchery(own_stack, "account", "show", account, "--json")
    assert orjson.loads(printed)["thresholds"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("account", "limit", "ACCOUNT"), "say either --day, --month or both, or --off"),
        (("account", "limit", "ACCOUNT", "--day", "5", "--off"), "say either --day"),
        (("account", "limit", "ACCOUNT", "--day", "-5"), "must be more than 0"),
        (("account", "limit", "ACCOUNT", "--month", "lots"), "is not an amount in USD"),
        (("account", "limit", "acc_nobody", "--day", "5"), "There is no account acc_nobody"),
        (("key", "limit", "key_nobody", "--day", "5"), "There is no API key key_nobody"),
        (("account", "discount", "ACCOUNT"), "say either how many percent or --off"),
        (("account", "discount", "ACCOUNT", "0"), "a discount is 1 to 100 percent"),
        (("account", "discount", "ACCOUNT", "101"), "a discount is 1 to 100 percent"),
        (("account", "discount", "ACCOUNT", "5", "--model", "hen"), "the catalog has no model hen"),
        (("account", "discount", "acc_nobody", "5"), "There is no account acc_nobody"),
        (("account", "thresholds", "ACCOUNT"), "say either --low-balance"),
        (("account", "thresholds", "ACCOUNT", "--usage", "5,"), "is not an amount in USD"),
        (("account", "thresholds", "acc_nobody", "--off"), "There is no account acc_nobody"),
    ],
)
async def test_what_makes_no_sense_changes_nothing(
    own_stack: Stack, words: tuple[str, ...], said: str
) -> None:
    async with await own_stack.customer() as customer:
        account = customer.account_id
        before = await own_stack.database["accounts"].find_one({"_id": account})
    code, printed = await hatchery(own_stack, *(account if word == "ACCOUNT" else word for word in words))

    assert code != 0
    assert said in printed
    assert await own_stack.database["accounts"].find_one({"_id": account}) == before
    assert await own_stack.database["ledger"].count_documents({"entries.kind": "cap"}) == 0
