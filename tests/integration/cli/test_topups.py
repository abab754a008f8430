"""`hatchery topup`, `topups` and `code` as an operator types them."""

from __future__ import annotations

import orjson
import pytest

from tests.harness.stack import Stack
from tests.integration.cli.test_commands import hatchery


async def test_a_payment_is_credited_by_hand_once_and_for_one_account(own_stack: Stack) -> None:
    async with await own_stack.customer("0") as one, await own_stack.customer("0") as two:
        words = ("--payment", "bank-7", "--reason", "invoice 7", "--actor", "anna")
        for _ in range(2):
            code, printed = await hatchery(own_stack, "topup", one.account_id, "12.50", *words, "--json")
            assert code == 0, printed
            assert orjson.loads(printed)["available"] == "12.500000000"
        code, printed = await hatchery(own_stack, "topup", two.account_id, "12.50", *words)
        assert code == 1
        assert "bank-7 belongs to top_" in printed
        stored = await own_stack.ledger().find(["topup:bank-7"])
    assert stored["topup:bank-7"].facts["actor"] == "anna"
    assert stored["topup:bank-7"].facts["reason"] == "invoice 7"

    code, printed = await hatchery(own_stack, "topups", "--account", one.account_id)
    assert code == 0
    assert "manual" in printed
    code, printed = await hatchery(own_stack, "topups", "--problems", "--json")
    assert orjson.loads(printed) == {"topups": [], "events": []}


@pytest.mark.parametrize(
    ("account", "amount", "said"),
    [("acc_none", "1", "There is no account acc_none"), ("acc_none", "0", "more than 0"),
     ("acc_none", "hen", "not an amount")],
)  # fmt: skip
async def test_what_makes_no_sense_is_not_credited(
    own_stack: Stack, account: str, amount: str, said: str
) -> None:
    code, printed = await hatchery(own_stack, "topup", account, amount)
    assert code == 1
    assert said in printed
    assert await own_stack.database["topups"].count_documents({}) == 0


async def test_codes_are_made_shown_without_their_letters_and_voided(own_stack: Stack) -> None:
    words = ("--amount", "25", "--count", "3", "--expires", "90d", "--json")
    code, printed = await hatchery(own_stack, "code", "create", *words)
    assert code == 0, printed
    made = orjson.loads(printed)["codes"]
    assert len({one["code"] for one in made}) == 3

    code, printed = await hatchery(own_stack, "code", "revoke", made[0]["code_id"])
    assert code == 0, printed
    code, printed = await hatchery(own_stack, "code", "list", "--json")
    shown = {one["code_id"]: one for one in orjson.loads(printed)["codes"]}

    assert shown[made[0]["code_id"]]["revoked_at"] is not None
    assert shown[made[1]["code_id"]]["revoked_at"] is None
    assert shown[made[1]["code_id"]]["amount_usd"] == "25.000000000"
    assert not any(one["code"] in printed for one in made)
    code, printed = await hatchery(own_stack, "code", "revoke", "rdm_none")
    assert (code, "There is no redemption code rdm_none" in printed) == (1, True)


@pytest.mark.parametrize("words", [("--amount", "0"), ("--amount", "25", "--expires", "yesterday")])
async def test_codes_that_make_no_sense_are_not_made(own_stack: Stack, words: tuple[str, ...]) -> None:
    code, _ = await hatchery(own_stack, "code", "create", *words)
    assert code == 1
    assert await own_stack.database["codes"].count_documents({}) == 0
