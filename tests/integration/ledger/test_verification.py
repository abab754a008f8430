"""Tampering with the database is found out, each kind by the invariant that it breaks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.ledger.chain import Ledger
from shared.ledger.entry import end, hold, topup
from shared.ledger.proof.acts import HOLD_GRACE
from shared.ledger.proof.report import Report
from shared.ledger.proof.violation import Violation
from shared.ledger.verify import Verification
from shared.mongo import Database
from shared.tasks.lifecycle import State
from tests.unit.building import NOON, StillClock, task_document

Tamper = Callable[[Database], Awaitable[Any]]
LATER = NOON + timedelta(hours=1)


@pytest.fixture
async def books(database: Database, ledger: Ledger, clock: StillClock) -> Database:
    """A completed task, a failed one, one that is running, and a second account."""
    await ledger.append({"acc_1": [topup("pay_1", 1_000, {})], "acc_2": [topup("pay_2", 500, {})]})
    await ledger.append({"acc_1": [hold(f"gen_{name}", 100, "m") for name in ("done", "failed", "running")]})
    await ledger.append({"acc_1": [end("gen_done", 100, 60, "m", 1)]})
    await ledger.append({"acc_1": [end("gen_failed", 100, 0, "m", 0)]})
    await database["tasks"].insert_many(
        [
            task_document(State.COMPLETED, _id="gen_done", outputs=1, cost_nano=60),
            task_document(State.FAILED, _id="gen_failed", cost_nano=0),
            task_document(State.RUNNING, _id="gen_running", deadline_at=LATER),
        ]
    )
    return database


async def verified(database: Database, **after: float) -> Report:
    return await Verification(database, NOON + timedelta(**after)).run()


async def test_honest_books_are_clean_and_counted(books: Database) -> None:
    report = await verified(books)

    assert report == Report(
        accounts=2,
        blocks=5,
        entries=7,
        tasks=2,
        open_holds=1,
        available=1_340,
        held=100,
        spent=60,
        topped_up=1_500,
        violations=[],
    )
    assert report.clean


async def test_an_empty_database_is_clean(database: Database) -> None:
    assert (await verified(database)) == Report()


def of_block(seq: int, update: dict[str, Any]) -> Tamper:
    return lambda database: database["ledger"].update_one({"account": "acc_1", "seq": seq}, update)


def of_task(name: str, **fields: Any) -> Tamper:
    return lambda database: database["tasks"].update_one({"_id": f"gen_{name}"}, {"$set": fields})


@pytest.mark.parametrize(
    ("tamper", "violation"),
    [
        (of_block(2, {"$inc": {"available": 1}}), Violation("I4", "acc_1#2", "available is 701, not 700")),
        (of_block(3, {"$set": {"held": -5}}), Violation("I4", "acc_1#3", "held is negative")),
        (of_block(3, {"$set": {"spent": 0}}), Violation("I4", "acc_1#3", "spent is 0, not 60")),
        (of_block(4, {"$set": {"seq": 9}}), Violation("I4", "acc_1#9", "follows seq 3")),
        (
            lambda database: database["ledger"].delete_one({"account": "acc_1", "seq": 2}),
            Violation("I4", "acc_1#3", "follows seq 1"),
        ),
        (
            of_block(3, {"$set": {"entries.0.held": 90}}),
            Violation("I3", "gen_done", "ends a hold of 90, not 100"),
        ),
        (
            of_block(3, {"$set": {"entries.0.amount": 150}}),
            Violation("I4", "acc_1#3", "end:gen_done: captures 150 of 100 with 300 held"),
        ),
        (
            of_block(3, {"$set": {"entries.0.amount": 50}}),
            Violation("I3", "gen_done", "costs 60, captured is 50"),
        ),
        (
            of_block(1, {"$set": {"entries.0.amount": 900}}),
            Violation("I5", "all accounts", "money in is not money out and balances"),
        ),
        (of_task("done", cost_nano=61), Violation("I3", "gen_done", "costs 61, captured is 60")),
        (of_task("done", state="failed"), Violation("I3", "gen_done", "is failed and charged 60")),
        (of_task("done", state="running"), Violation("I3", "gen_done", "is running and charged 60")),
        (
            lambda database: database["tasks"].delete_one({"_id": "gen_done"}),
            Violation("I1", "end:gen_done", "there is no such task"),
        ),
        (
            of_task("running", state="cancelled"),
            Violation("I6", "gen_running", "is cancelled and still holds 100"),
        ),
        (
            of_task("running", state="completed", cost_nano=60),
            Violation("I3", "end:gen_running", "the task is final and the ledger has no such entry"),
        ),
        (
            lambda database: database["tasks"].insert_one(task_document(State.COMPLETED, _id="gen_free")),
            Violation("I3", "end:gen_free", "the task is final and the ledger has no such entry"),
        ),
    ],
)
async def test_tampering_is_named(books: Database, tamper: Tamper, violation: Violation) -> None:
    await tamper(books)

    assert violation in (await verified(books)).violations


async def test_a_charge_for_a_task_that_waits_for_billing_is_no_violation(books: Database) -> None:
    await of_task("done", state="generated", cost_nano=0)(books)
    await of_task("failed", state="rejected")(books)

    assert (await verified(books)).clean


async def test_a_hold_without_a_task_is_an_orphan_only_after_its_grace(books: Database) -> None:
    await books["tasks"].delete_one({"_id": "gen_running"})
    grace = HOLD_GRACE.total_seconds()

    assert (await verified(books, seconds=grace)).clean
    assert (await verified(books, seconds=grace + 1)).violations == [
        Violation("I6", "gen_running", "100 held for a task that never came into being")
    ]


async def test_a_hold_of_a_task_past_its_deadline_is_a_violation_only_after_its_grace(
    books: Database,
) -> None:
    grace = HOLD_GRACE.total_seconds()

    assert (await verified(books, hours=1, seconds=grace)).clean
    assert (await verified(books, hours=1, seconds=grace + 1)).violations == [
        Violation("I6", "gen_running", "holds 100 past its deadline")
    ]
