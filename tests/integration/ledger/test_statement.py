"""Statements: every entry once, in order, with the balance after it, whatever is asked for."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest

from shared.ledger.block import Balance
from shared.ledger.chain import Ledger
from shared.ledger.entry import Entry, EntryKind, end, hold, topup
from shared.ledger.statement import Position, StatementLine, StatementQuery, Statements
from shared.mongo import Database
from tests.unit.building import NOON, StillClock

BLOCKS = 60
Read = list[StatementLine]


@pytest.fixture
async def chain(ledger: Ledger, clock: StillClock) -> list[tuple[Position, datetime, Entry]]:
    """What went into the ledger; the clocks of its writers differ by minutes."""
    randomness, written = random.Random(7), []
    for seq in range(1, BLOCKS + 1):
        clock.at = NOON + timedelta(minutes=30 * seq + randomness.randint(-4, 4))
        entries = [topup(f"pay_{seq}", 1000, {})] if seq % 20 == 1 else []
        entries += [hold(f"gen_{seq}_{n}", 3, "a") for n in range(randomness.randint(1, 3))]
        if seq % 3 == 0:
            entries.append(end(f"gen_{seq}_0", 3, 2, "a", 1))
        await ledger.append({"acc_1": entries, "acc_2": [topup(f"other_{seq}", 1, {})]})
        written += [((seq, index), clock.at, entry) for index, entry in enumerate(entries)]
    return written


async def every_page(
    statements: Statements, query: StatementQuery, limit: int, account: str = "acc_1"
) -> tuple[Read, int]:
    lines: Read = []
    after, pages = None, 0
    while True:
        page = await statements.page(account, query, limit, after)
        assert len(page.lines) <= limit
        lines, after, pages = lines + page.lines, page.next, pages + 1
        if after is None:
            return lines, pages


def facts(lines: Read) -> list[tuple[Position, datetime, str]]:
    return [(line.position, line.at, line.entry.op) for line in lines]


@pytest.mark.parametrize("window", [1, 7, 20_000])
@pytest.mark.parametrize("limit", [1, 4, 100])
@pytest.mark.parametrize(
    ("since", "until", "kind"),
    [
        (None, None, None),
        (None, None, EntryKind.TOPUP),
        (None, None, EntryKind.REVERSAL),
        (NOON + timedelta(hours=10), None, None),
        (None, NOON + timedelta(hours=10, minutes=2), EntryKind.END),
        (NOON + timedelta(hours=5), NOON + timedelta(hours=9, minutes=58), None),
        (NOON - timedelta(days=9), NOON - timedelta(days=8), None),
        (NOON + timedelta(days=8), NOON + timedelta(days=9), None),
    ],
)
async def test_pages_hold_what_was_asked_for_once_and_in_order(
    database: Database,
    chain: list[tuple[Position, datetime, Entry]],
    since: datetime | None,
    until: datetime | None,
    kind: EntryKind | None,
    limit: int,
    window: int,
) -> None:
    statements = Statements(database, window, 3)
    expected = [
        (position, at, entry.op)
        for position, at, entry in chain
        if (since is None or at >= since) and (until is None or at < until) and kind in (None, entry.kind)
    ]
    for ascending in (True, False):
        query = StatementQuery(since, until, kind, ascending)
        paged, _ = await every_page(statements, query, limit)
        streamed = [line async for line in statements.stream("acc_1", query)]
        assert facts(paged) == (expected if ascending else expected[::-1])
        assert paged == streamed


async def test_each_line_has_the_balance_right_after_it(
    database: Database, ledger: Ledger, chain: list[tuple[Position, datetime, Entry]]
) -> None:
    lines, _ = await every_page(Statements(database), StatementQuery(ascending=True), 7)

    balance = Balance()
    for line in lines:
        balance = balance.after(line.entry, line.at)
        stated = line.balance
        assert (stated.available, stated.held, stated.spent) == (
            balance.available,
            balance.held,
            balance.spent,
        )
    tail = (await ledger.balances(["acc_1"]))["acc_1"]
    assert (balance.available, balance.held, balance.spent) == (tail.available, tail.held, tail.spent)
    ends, _ = await every_page(Statements(database), StatementQuery(kind=EntryKind.END), 2)
    assert ends == [line for line in lines if line.entry.kind is EntryKind.END][::-1]


async def test_a_page_of_a_rare_kind_does_not_look_through_the_whole_chain(
    database: Database, chain: list[tuple[Position, datetime, Entry]]
) -> None:
    statements = Statements(database, 5, 2)
    page = await statements.page("acc_1", StatementQuery(kind=EntryKind.TOPUP), 3)

    assert page.lines == []
    assert page.next == (BLOCKS - 9, 0)
    lines, pages = await every_page(statements, StatementQuery(kind=EntryKind.TOPUP), 3)
    assert [line.position for line in lines] == [(41, 0), (21, 0), (1, 0)]
    assert pages == 6


async def test_what_comes_while_pages_are_read_shifts_nothing(
    database: Database, ledger: Ledger, chain: list[tuple[Position, datetime, Entry]]
) -> None:
    statements = Statements(database)
    first = await statements.page("acc_1", StatementQuery(), 10)
    await ledger.append({"acc_1": [topup("late", 5, {})]})
    second = await statements.page("acc_1", StatementQuery(), 10, first.next)

    shown = [line.position for line in first.lines + second.lines]
    assert shown == [position for position, _, _ in chain[::-1]][:20]


async def test_an_account_without_a_chain_has_an_empty_statement(
    database: Database, chain: list[tuple[Position, datetime, Entry]]
) -> None:
    for query in (StatementQuery(), StatementQuery(since=NOON, until=NOON + timedelta(days=1))):
        assert await every_page(Statements(database), query, 10, "acc_nobody") == ([], 1)


async def test_times_are_found_by_halving(
    database: Database, chain: list[tuple[Position, datetime, Entry]]
) -> None:
    """A day out of many is read by the index on `(account, seq)`, and little more than that day."""
    read = {"account": "acc_1", "seq": {"$gte": 1, "$lte": 9}, "at": {"$gte": NOON}, "entries.kind": "hold"}
    plan = await database["ledger"].find(read).sort("seq", -1).explain()
    assert plan["queryPlanner"]["winningPlan"]["inputStage"]["indexName"] == "account_1_seq_1"
    assert plan["executionStats"]["totalKeysExamined"] <= 10
