"""Refunds, adjustments and the margin as an operator types them."""

from __future__ import annotations

import orjson
import pytest

from shared.ids import Prefix, new_id
from shared.ledger.chain import Ledger
from shared.ledger.entry import end, hold, topup
from shared.ledger.verify import Verification
from shared.tasks.lifecycle import State
from tests.harness.stack import Stack
from tests.integration.cli.test_commands import hatchery
from tests.unit.building import attempt, task_document

CENT = 10_000_000


@pytest.fixture
async def task_id(own_stack: Stack) -> str:
    """A completed task that has cost five cents, of an account with a dollar."""
    made = new_id(Prefix.EGGAPI_TASK)
    ledger, now = Ledger(own_stack.database, own_stack.clock), own_stack.clock.now()
    await own_stack.database["accounts"].insert_one({"_id": "acc_1", "email": "a@example.org"})
    await ledger.append({"acc_1": [topup("pay_1", 100 * CENT, {"actor": "test"})]})
    await ledger.append({"acc_1": [hold(made, 5 * CENT, "m")]})
    await ledger.append({"acc_1": [end(made, 5 * CENT, 5 * CENT, "m", 1)]})
    tried = attempt("kie:banana", cost_nano=2 * CENT, cost_source="provider", ended_at=now)
    await own_stack.database["tasks"].insert_one(
        task_document(
            State.COMPLETED, _id=made, cost_nano=5 * CENT, outputs=1, attempts=(tried,), wake_at=None
        )
    )
    return made


async def test_a_refund_and_an_adjustment_say_who_and_why_and_leave_clean_books(
    own_stack: Stack, task_id: str
) -> None:
    why = ("--reason", "blurred", "--actor", "anna")
    code, printed = await hatchery(own_stack, "refund", task_id, "--amount", "0.02", *why)
    assert (code, printed) == (
        0,
        "gave $0.020000000 back to acc_1; $0.030000000 of $0.050000000 is left\n",
    )
    code, printed = await hatchery(own_stack, "refund", task_id, "--amount", "0.04", *why)
    assert code == 1
    assert f"$0.040000000 is more than what is left of {task_id}: $0.030000000 of $0.050000000." in printed
    code, printed = await hatchery(own_stack, "refund", task_id, "--json", *why)
    assert orjson.loads(printed) == {
        "task_id": task_id,
        "account_id": "acc_1",
        "op": f"refund:{task_id}:2",
        "refunded_usd": "0.030000000",
        "left_usd": "0.000000000",
        "captured_usd": "0.050000000",
        "now": True,
    }
    code, printed = await hatchery(own_stack, "refund", task_id, *why)
    assert code == 1
    assert "has been given back" in printed
    code, printed = await hatchery(own_stack, "task", "show", task_id)
    assert printed.count("refund") == 2
    assert printed.count("blurred") == 2

    code, printed = await hatchery(own_stack, "adjust", "acc_1", "0.5", "--take", "--id", "a1", *why)
    assert (code, printed) == (0, "acc_1 has $0.500000000 available\n")
    code, printed = await hatchery(own_stack, "adjust", "acc_1", "--id", "a1", *why, "--", "-0.5")
    assert (code, printed) == (0, "this was done before; acc_1 has $0.500000000 available\n")
    code, printed = await hatchery(own_stack, "adjust", "acc_1", "0.6", "--id", "a1", *why)
    assert (code, "a1 stands for another adjustment already" in printed) == (1, True)
    code, printed = await hatchery(own_stack, "adjust", "acc_1", "0.6", "--take", *why)
    assert (code, "acc_1 has $0.500000000 available: no more can be taken." in printed) == (1, True)
    code, printed = await hatchery(own_stack, "adjust", "acc_0", "1", *why)
    assert (code, "There is no account acc_0" in printed) == (1, True)

    report = await Verification(own_stack.database, own_stack.clock.now()).run()
    assert report.clean, report.violations
    code, printed = await hatchery(own_stack, "report", "margin", "--by", "provider", "--json")
    found = orjson.loads(printed)
    assert [line["provider"] for line in found["lines"]] == ["kie"]
    assert found["total"]["revenue_nano"] == 0
    assert found["total"]["margin_nano"] == -2 * CENT
    code, printed = await hatchery(
        own_stack, "report", "margin", "--from", "2020-01-01", "--to", "2020-01-31"
    )
    assert (code, printed) == (0, "no tasks in this time\n")


@pytest.mark.parametrize(
    "words",
    [
        ("refund", "gen_1"),
        ("refund", "gen_1", "--reason", "  "),
        ("adjust", "acc_1", "1"),
        ("adjust", "acc_1", "1", "--reason", "x" * 501),
        ("adjust", "acc_1", "0", "--reason", "nothing"),
        ("adjust", "acc_1", "--reason", "twice", "--", "--1"),
        ("refund", "gen_1", "--reason", "much", "--amount", "a dollar"),
    ],
)
async def test_money_moves_for_a_reason_and_by_an_amount_only(
    own_stack: Stack, words: tuple[str, ...]
) -> None:
    code, _ = await hatchery(own_stack, *words)
    assert code != 0
    assert await own_stack.database["ledger"].count_documents({}) == 0
