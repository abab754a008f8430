"""Refunds in the chain: two operators at once, parts, repetitions, and what is refused."""

from __future__ import annotations

import asyncio

import pytest

from shared.ledger.chain import Ledger
from shared.ledger.entry import end, hold, topup
from shared.ledger.refunds import NotRefundable, Refunded, Refunds, UnknownTask, refunds_of
from shared.mongo import Database
from shared.tasks.lifecycle import State
from tests.unit.building import StillClock, task_document

TASK = "gen_done"
CAPTURED = 600


@pytest.fixture
async def refunds(database: Database, ledger: Ledger) -> Refunds:
    """A task that has cost 600 of 1,000, one that failed, and one that runs."""
    await ledger.append({"acc_1": [topup("pay_1", 10_000, {})]})
    await ledger.append(
        {"acc_1": [hold(f"gen_{name}", 1_000, "m") for name in ("done", "failed", "running")]}
    )
    await ledger.append({"acc_1": [end(TASK, 1_000, CAPTURED, "m", 1), end("gen_failed", 1_000, 0, "m", 0)]})
    await database["tasks"].insert_many(
        [
            task_document(State.COMPLETED, _id=TASK, outputs=1, cost_nano=CAPTURED),
            task_document(State.FAILED, _id="gen_failed"),
            task_document(State.RUNNING, _id="gen_running"),
        ]
    )
    return Refunds(database, ledger)


async def give(refunds: Refunds, wanted: int | None = None, refund_id: str | None = None) -> Refunded:
    return await refunds.refund(TASK, wanted, "os anna@ops", "blurred", refund_id)


async def test_a_whole_refund_is_available_again_and_says_who_and_why(
    database: Database, ledger: Ledger, refunds: Refunds
) -> None:
    before = (await ledger.balances(["acc_1"]))["acc_1"]
    refunded = await give(refunds)

    assert (refunded.entry.amount, refunded.left, refunded.now) == (CAPTURED, 0, True)
    (stored,) = await refunds_of(database, TASK)
    assert stored.entry.op == "refund:gen_done:1"
    assert stored.entry.facts == {
        "model": "nanobanana-pro",
        "key_id": "key_1",
        "actor": "os anna@ops",
        "reason": "blurred",
    }
    after = (await ledger.balances(["acc_1"]))["acc_1"]
    assert (after.available - before.available, after.spent) == (CAPTURED, 0)
    task = await database["tasks"].find_one({"_id": TASK})
    assert task is not None
    assert task["cost_nano"] == CAPTURED


async def test_parts_are_numbered_and_end_with_the_rest(database: Database, refunds: Refunds) -> None:
    for _ in range(11):
        await give(refunds, 50)
    assert (await give(refunds)).entry.amount == 50
    assert [one.number for one in await refunds_of(database, TASK)] == list(range(1, 13))
    with pytest.raises(NotRefundable, match="has been given back"):
        await give(refunds)


async def test_operators_at_once_never_give_back_more_than_was_captured(
    database: Database, clock: StillClock, refunds: Refunds
) -> None:
    others = [Refunds(database, Ledger(database, clock)) for _ in range(10)]
    outcomes = await asyncio.gather(*(give(other, 250) for other in others), return_exceptions=True)

    given = [one for one in outcomes if isinstance(one, Refunded)]
    refused = [one for one in outcomes if isinstance(one, NotRefundable)]
    assert (len(given), len(refused)) == (2, 8)
    assert all("$0.000000100 of $0.000000600" in one.message for one in refused)
    assert sum(one.entry.amount for one in await refunds_of(database, TASK)) == 500


async def test_two_whole_refunds_at_once_give_the_money_back_once(
    database: Database, clock: StillClock, refunds: Refunds
) -> None:
    others = [Refunds(database, Ledger(database, clock)) for _ in range(2)]
    outcomes = await asyncio.gather(*(give(other) for other in others), return_exceptions=True)

    assert sorted(type(one).__name__ for one in outcomes) == ["NotRefundable", "Refunded"]
    assert [one.entry.amount for one in await refunds_of(database, TASK)] == [CAPTURED]


async def test_the_same_id_gives_the_same_refund_even_at_once(
    database: Database, clock: StillClock, refunds: Refunds
) -> None:
    others = [Refunds(database, Ledger(database, clock)) for _ in range(6)]
    outcomes = await asyncio.gather(*(give(other, 100, "ticket-7") for other in others))

    assert sum(one.now for one in outcomes) == 1
    assert {one.entry.op for one in outcomes} == {"refund:gen_done:1"}
    assert {one.left for one in outcomes} == {500}
    with pytest.raises(NotRefundable, match="ticket-7 stands for a refund of"):
        await give(refunds, 101, "ticket-7")


@pytest.mark.parametrize(
    ("task_id", "said"),
    [
        ("gen_failed", "gen_failed is failed: only a completed task has cost anything."),
        ("gen_running", "gen_running is running: only a completed task has cost anything."),
    ],
)
async def test_only_a_completed_task_is_refunded(refunds: Refunds, task_id: str, said: str) -> None:
    with pytest.raises(NotRefundable, match=said):
        await refunds.refund(task_id, None, "anna", "blurred")


async def test_an_unknown_task_is_named(refunds: Refunds) -> None:
    with pytest.raises(UnknownTask, match="There is no task gen_nowhere"):
        await refunds.refund("gen_nowhere", None, "anna", "blurred")


async def test_another_task_whose_id_begins_alike_keeps_its_own_refunds(
    database: Database, ledger: Ledger, refunds: Refunds
) -> None:
    longer = f"{TASK}r"
    await ledger.append({"acc_1": [hold(longer, 100, "m")]})
    await ledger.append({"acc_1": [end(longer, 100, 100, "m", 1)]})
    await database["tasks"].insert_one(task_document(State.COMPLETED, _id=longer, cost_nano=100))
    await refunds.refund(longer, None, "anna", "blurred")

    assert await refunds_of(database, TASK) == []
    assert (await give(refunds)).left == 0


async def test_refunds_are_found_by_one_range_of_the_index(database: Database, refunds: Refunds) -> None:
    await give(refunds, 1)
    low, high = f"refund:{TASK}:", f"refund:{TASK};"
    plan = (
        await database["ledger"]
        .find({"entries": {"$elemMatch": {"op": {"$gte": low, "$lt": high}}}})
        .explain()
    )
    scan = plan["queryPlanner"]["winningPlan"]["inputStage"]
    assert scan["stage"] == "IXSCAN"
    assert scan["indexBounds"]["entries.op"] == [f'["{low}", "{high}")']
