"""Refunds, payments and coupons are held against each other, as a whole and since the last time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.coupons.entries import budget, use, uses_ended
from shared.ledger.chain import Ledger
from shared.ledger.chains import coupon_chain, coupon_chain_of
from shared.ledger.entry import adjust, end, hold, refund, reversal, topup
from shared.ledger.proof.report import Report
from shared.ledger.proof.since import SinceLast
from shared.ledger.proof.violation import Violation
from shared.ledger.verify import Verification
from shared.mongo import Database
from shared.tasks.lifecycle import State
from tests.unit.building import NOON, StillClock, task_document

LATER = NOON + timedelta(hours=1)
Prove = Callable[[Database], Awaitable[Report]]


async def whole(database: Database) -> Report:
    return await Verification(database, LATER).run()


async def of_its_chain(database: Database) -> Report:
    return await Verification(database, LATER, "acc_1").run()


async def since_last(database: Database) -> Report:
    return await SinceLast(database, LATER, LATER).run()


everyhow = pytest.mark.parametrize("prove", [whole, of_its_chain, since_last])


@pytest.fixture
async def books(database: Database, ledger: Ledger) -> Database:
    """A task that was paid with a coupon and refunded twice, a top-up taken back, an adjustment."""
    topup_facts = {"topup_id": "top_1"}
    await ledger.append({"acc_1": [topup("pay_1", 1_000, topup_facts), adjust("adj_1", 50, "ops", "sorry")]})
    await ledger.append({"acc_1": [hold("gen_1", 100, "m")]})
    for chain in (coupon_chain_of("HEN", "acc_1"), coupon_chain("HEN")):
        await ledger.append({chain: [budget(chain, 1), use(chain, "gen_1")]})
    await ledger.append(
        {
            "acc_1": [end("gen_1", 100, 80, "m", 1)],
            **{chain: [entry] for chain, entry in uses_ended("HEN", "acc_1", "gen_1", True).items()},
        }
    )
    await ledger.append({"acc_1": [refund("gen_1", 1, 30, "m", None, "ops", "blurred")]})
    await ledger.append({"acc_1": [refund("gen_1", 2, 50, "m", None, "ops", "very blurred")]})
    await ledger.append({"acc_1": [reversal("re_1", 1_200, topup_facts)]})
    await database["tasks"].insert_one(
        task_document(State.COMPLETED, _id="gen_1", outputs=1, cost_nano=80, coupon="HEN", completed_at=NOON)
    )
    acts = [
        {"op": "topup:pay_1", "kind": "topup", "amount": 1_000, "at": NOON, "cause": "payment"},
        {"op": "reversal:re_1", "kind": "reversal", "amount": 1_200, "at": NOON, "cause": "refund"},
    ]
    await database["topups"].insert_one(
        {"_id": "top_1", "account_id": "acc_1", "amount": 1_000, "acts": acts}
    )
    return database


async def test_all_kinds_of_honest_entries_are_clean_and_their_sums_told(books: Database) -> None:
    report = await whole(books)

    assert report == Report(
        accounts=1,
        coupon_chains=2,
        blocks=10,
        entries=13,
        tasks=1,
        topped_up=1_000,
        adjusted=50,
        reversed=1_200,
        refunded=80,
        owed=150,
    )
    assert report.money_in == report.money_there == -150


@everyhow
async def test_honest_books_are_clean_however_they_are_read(books: Database, prove: Prove) -> None:
    report = await prove(books)

    assert report.clean, report.violations
    assert report.accounts == 1


def entry(stored_op: str, **fields: Any) -> Callable[[Database], Awaitable[Any]]:
    """Change a stored entry."""
    changes = {f"entries.$.{name}": value for name, value in fields.items()}
    return lambda database: database["ledger"].update_one({"entries.op": stored_op}, {"$set": changes})


def the_task(**fields: Any) -> Callable[[Database], Awaitable[Any]]:
    return lambda database: database["tasks"].update_one({"_id": "gen_1"}, {"$set": fields})


def the_topup(**fields: Any) -> Callable[[Database], Awaitable[Any]]:
    return lambda database: database["topups"].update_one({"_id": "top_1"}, {"$set": fields})


@everyhow
@pytest.mark.parametrize(
    ("tamper", "violation"),
    [
        (
            entry("refund:gen_1:2", op="refund:gen_1:3"),
            Violation("I3", "refund:gen_1:3", "comes without refund:gen_1:2"),
        ),
        (entry("refund:gen_1:2", op="refund:gen_1:x"), Violation("I3", "refund:gen_1:x", "has no number")),
        (
            entry("refund:gen_1:2", amount=51),
            Violation("I3", "refund:gen_1:2", "brings refunds to 81, charged was 80"),
        ),
        (
            entry("refund:gen_1:1", task_id="gen_9", op="refund:gen_9:1"),
            Violation("I3", "refund:gen_9:1", "gives back what acc_1 never paid"),
        ),
        (entry("hold:gen_1", op="hold:gen_2"), Violation("I4", "hold:gen_2", "names a hold of gen_1")),
        (the_topup(account_id="acc_2"), Violation("I5", "topup:pay_1", "belongs to no top-up of acc_1")),
        (
            the_topup(**{"acts.0.amount": 999}),
            Violation("I5", "topup:pay_1", "amounts to 1000, not 999"),
        ),
    ],
)
async def test_tampering_is_named_however_the_books_are_read(
    books: Database, prove: Prove, tamper: Callable[[Database], Awaitable[Any]], violation: Violation
) -> None:
    await tamper(books)

    assert violation in (await prove(books)).violations


@pytest.mark.parametrize("prove", [whole, since_last])
async def test_nobody_pays_for_the_task_of_another(books: Database, prove: Prove) -> None:
    await the_task(account_id="acc_2")(books)

    assert Violation("I3", "gen_1", "is paid by acc_1, not acc_2") in (await prove(books)).violations


@pytest.mark.parametrize("prove", [whole, since_last])
@pytest.mark.parametrize(
    ("fields", "of_end"),
    [({"state": "failed", "cost_nano": 0}, "uses 1, not 0"), ({"state": "running"}, "uses 1, not 0")],
)
async def test_a_coupon_is_used_by_completed_tasks_only(
    books: Database, prove: Prove, fields: dict[str, Any], of_end: str
) -> None:
    await the_task(**fields)(books)

    found = (await prove(books)).violations
    for op in ("coupon-end:HEN:gen_1", "coupon-end:HEN:acc_1:gen_1"):
        assert Violation("I16", op, of_end) in found


async def test_a_completed_task_has_used_its_coupon(books: Database) -> None:
    await books["ledger"].delete_many({"account": coupon_chain("HEN")})

    found = Violation("I16", "coupon-end:HEN:gen_1", "the task is final and the ledger has no such entry")
    assert (await whole(books)).violations == [found]


async def test_a_use_of_a_refused_request_needs_no_task(database: Database, ledger: Ledger) -> None:
    chain = coupon_chain_of("HEN", "acc_1")
    await ledger.append({chain: [budget(chain, 1), use(chain, "gen_refused")]})
    await ledger.append({chain: [uses_ended("HEN", "acc_1", "gen_refused", False)[chain]]})

    assert (await whole(database)).clean
    assert (await since_last(database)).clean


async def test_a_decided_payment_that_never_reached_the_ledger_is_named(books: Database) -> None:
    act = {"op": "topup:pay_2", "kind": "topup", "amount": 5, "at": NOON, "cause": "payment"}
    await books["topups"].update_one({"_id": "top_1"}, {"$push": {"acts": act}})

    found = Violation("I5", "topup:pay_2", "was decided for top_1 and the ledger has no such entry")
    assert (await whole(books)).violations == [found]


async def test_an_end_on_another_chain_than_its_hold_is_named(database: Database, ledger: Ledger) -> None:
    await ledger.append({one: [topup(f"pay_{one}", 1_000, {})] for one in ("acc_1", "acc_2")})
    await ledger.append({"acc_1": [hold("gen_1", 100, "m")], "acc_2": [hold("gen_2", 100, "m")]})
    await ledger.append({"acc_2": [end("gen_1", 100, 0, "m", 0)]})

    for prove in (whole, since_last):
        found = (await prove(database)).violations
        assert Violation("I3", "gen_1", "ends a hold of 100, not None") in found


@everyhow
async def test_a_block_that_cannot_be_read_is_named_and_ends_nothing_else(
    books: Database, prove: Prove
) -> None:
    await entry("adjust:adj_1", kind="gift")(books)

    found = (await prove(books)).violations
    assert sorted({one.invariant for one in found} - {"I5"}) == ["I4"]
    assert any("cannot be read" in one.detail for one in found)


async def test_what_is_verified_since_the_last_time_is_only_what_is_new(
    books: Database, ledger: Ledger, clock: StillClock
) -> None:
    first = await since_last(books)
    again = await since_last(books)
    await ledger.append({"acc_1": [topup("pay_3", 200, {})]})
    third = await since_last(books)

    assert (first.entries, again.entries, third.entries) == (13, 0, 1)
    assert third.clean, third.violations


async def test_what_was_found_is_told_again_until_a_whole_verification_is_clean(books: Database) -> None:
    await entry("refund:gen_1:2", amount=49)(books)
    found = (await since_last(books)).violations

    assert found
    assert (await since_last(books)).violations == found


async def test_an_end_is_matched_with_a_hold_before_the_last_point(
    database: Database, ledger: Ledger, clock: StillClock
) -> None:
    await ledger.append({"acc_1": [topup("pay_1", 1_000, {})]})
    await ledger.append({"acc_1": [hold("gen_1", 100, "m"), hold("gen_2", 100, "m")]})
    await database["tasks"].insert_many(
        [task_document(State.RUNNING, _id=f"gen_{n}", deadline_at=LATER) for n in (1, 2)]
    )
    assert (await since_last(database)).clean
    assert await database["open_holds"].distinct("_id") == ["hold:gen_1", "hold:gen_2"]

    await ledger.append({"acc_1": [end("gen_1", 100, 0, "m", 0), end("gen_2", 90, 0, "m", 0)]})

    assert (await since_last(database)).violations == [Violation("I3", "gen_2", "ends a hold of 90, not 100")]
    assert await database["open_holds"].distinct("_id") == []


async def test_two_verifications_at_once_find_the_same(books: Database) -> None:
    one, other = SinceLast(books, LATER, LATER), SinceLast(books, LATER, LATER)
    both = [await one.changed(), await other.changed()]
    for verification, changed in zip((one, other), both, strict=True):
        for chain, point in changed.items():
            await verification.follow(chain, point)

    assert one.report.clean
    assert other.report.clean
    assert (await since_last(books)).entries == 0


async def test_a_long_way_is_gone_in_steps(database: Database, ledger: Ledger) -> None:
    await ledger.append({"acc_1": [topup("pay_1", 1_000_000, {})]})
    for start in range(0, 12_000, 600):
        numbers = range(start, start + 600)
        await ledger.append({"acc_1": [hold(f"gen_{n:05}", 1, "m") for n in numbers]})
        await ledger.append({"acc_1": [end(f"gen_{n:05}", 1, 0, "m", 0) for n in numbers]})
    await database["tasks"].insert_many(
        [task_document(State.FAILED, _id=f"gen_{n:05}", cost_nano=0) for n in range(12_000)]
    )

    report = await since_last(database)

    assert report.clean, report.violations[:3]
    assert report.entries == 24_001
    assert (await since_last(database)).entries == 0
