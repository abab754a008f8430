"""The report agrees with the ledger to the nano-dollar and reads nothing but its own tasks."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.ids import Prefix, first_id
from shared.ledger.chain import Ledger
from shared.ledger.entry import EntryKind, end, hold, topup
from shared.ledger.refunds import Refunds
from shared.margin.fold import By
from shared.margin.reading import FIELDS, TASK_PREFIXES, margin_of, pages
from shared.mongo import Database
from shared.tasks.lifecycle import State
from tests.unit.building import attempt, task_document

MAY = datetime(2026, 5, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)


def made(prefix: Prefix, at: datetime, number: int) -> str:
    """An id of that time."""
    tail = f"{number:016d}"
    return first_id(prefix, at) + tail


async def ended(database: Database, ledger: Ledger, task_id: str, captured: int, **fields: Any) -> None:
    """A task that has cost so much; nothing: it failed."""
    state = State.COMPLETED if captured else State.FAILED
    await ledger.append({"acc_1": [hold(task_id, 10**9, "m")]})
    await ledger.append({"acc_1": [end(task_id, 10**9, captured, "m", 1)]})
    document = task_document(state, _id=task_id, cost_nano=captured, outputs=bool(captured), **fields)
    await database["tasks"].insert_one(document)


async def test_revenue_is_what_the_ledger_captured_less_what_it_gave_back(
    database: Database, ledger: Ledger
) -> None:
    chance = random.Random(7)
    await ledger.append({"acc_1": [topup("pay_1", 10**12, {})]})
    refunds, costs = Refunds(database, ledger), 0
    for number in range(60):
        prefix = TASK_PREFIXES[number % len(TASK_PREFIXES)]
        task_id = made(prefix, MAY + timedelta(hours=11 * number), number)
        captured = chance.choice([0, chance.randrange(1, 10**9)])
        cost = chance.randrange(10**8)
        costs += cost
        tried = attempt(cost_nano=cost, cost_source="provider")
        await ended(
            database, ledger, task_id, captured, attempts=(tried.model_copy(update={"ended_at": MAY}),)
        )
        for _ in range(chance.randrange(3) if captured > 10 else 0):
            await refunds.refund(task_id, captured // 3, "anna", "blurred")

    entries = [entry async for block in ledger.blocks("acc_1") for entry in block["entries"]]
    in_ledger = sum(entry["amount"] for entry in entries if entry["kind"] == EntryKind.END) - sum(
        entry["amount"] for entry in entries if entry["kind"] == EntryKind.REFUND
    )
    for by in By:
        margin = await margin_of(database, MAY, JUNE, by)
        assert margin.total.revenue_nano == in_ledger == (await ledger.balances(["acc_1"]))["acc_1"].spent
        assert (margin.total.cost_nano, margin.total.attempts, margin.total.unknown) == (costs, 60, 0)
    days = [name for name, _ in (await margin_of(database, MAY, JUNE, By.DAY)).lines]
    assert days == sorted(days)
    assert len(days) == 28


async def test_only_the_tasks_of_the_time_are_counted(database: Database, ledger: Ledger) -> None:
    await ledger.append({"acc_1": [topup("pay_1", 10**12, {})]})
    last = JUNE - timedelta(milliseconds=1)
    for number, at in enumerate((MAY - timedelta(milliseconds=1), MAY, last, JUNE)):
        for prefix in TASK_PREFIXES:
            await ended(database, ledger, made(prefix, at, number), 10**number)

    margin = await margin_of(database, MAY, JUNE, By.DAY)

    assert margin.total.revenue_nano == len(TASK_PREFIXES) * (10 + 100)
    assert [name for name, _ in margin.lines] == ["2026-05-01", "2026-05-31"]


async def test_pages_hand_on_every_task_once(database: Database) -> None:
    ids = [made(Prefix.EGGAPI_TASK, MAY + timedelta(minutes=n), n) for n in range(25)]
    ids += [made(Prefix.AIGENWAY_TASK, MAY, n) for n in range(10)]
    await database["tasks"].insert_many([task_document(State.QUEUED, _id=one) for one in ids])

    read = [[task["_id"] for task in page] async for page in pages(database, MAY, JUNE, size=10)]

    assert [len(page) for page in read] == [10, 10, 5, 10]
    assert [one for page in read for one in page] == ids


async def test_a_page_looks_at_its_own_tasks_by_their_ids_and_at_no_other(database: Database) -> None:
    inside = [made(Prefix.IMAGE, MAY + timedelta(days=n), n) for n in range(20)]
    outside = [made(Prefix.IMAGE, JUNE + timedelta(days=n), n) for n in range(50)]
    await database["tasks"].insert_many([task_document(State.QUEUED, _id=one) for one in inside + outside])

    low, high = first_id(Prefix.IMAGE, MAY), first_id(Prefix.IMAGE, JUNE)
    plan = await database["tasks"].find({"_id": {"$gt": low, "$lt": high}}, FIELDS).sort("_id", 1).explain()

    assert plan["executionStats"]["totalDocsExamined"] == len(inside)
    assert "SORT" not in str(plan["queryPlanner"]["winningPlan"])
    assert "COLLSCAN" not in str(plan["queryPlanner"]["winningPlan"])
