"""Balance, statement and usage come to the same, to the nano, over chains of every kind of act."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from shared.killpoints import KillPoints
from shared.ledger.chain import Ledger
from shared.ledger.entry import Entry, EntryKind, adjust, end, hold, refund, reversal, topup
from shared.ledger.statement import StatementQuery, Statements
from shared.ledger.usage import UsageFold
from shared.ledger.usage_rows import Group, UsageQuery
from shared.mongo import Database
from tests.unit.building import StillClock

MODELS, KEYS = ("a", "b", "c"), ("k1", "k2", None)
SPEND = (EntryKind.END, EntryKind.REFUND)


class Life:
    """An account to which things happen at random, over some weeks."""

    def __init__(self, ledger: Ledger, clock: StillClock, fold: UsageFold, seed: int) -> None:
        self._ledger, self._clock, self._fold = ledger, clock, fold
        self._random = random.Random(seed)
        self._open: list[tuple[str, int, str, str | None]] = []
        self._ended: list[tuple[str, int, str, str | None]] = []
        self._count = 0

    async def live(self, blocks: int) -> None:
        for _ in range(blocks):
            self._clock.at += timedelta(hours=self._random.random() * 20)
            wanted = [self._act() for _ in range(self._random.randint(1, 6))]
            await self._ledger.append({"acc_1": wanted})
            if self._random.random() < 0.2:
                await self._fold.catch_up("acc_1")

    def _act(self) -> Entry:
        self._count += 1
        number, amount = str(self._count), self._random.randint(1, 10**9)
        act = self._random.random()
        if act < 0.1:
            return topup(number, 20 * amount, {})
        if act < 0.15:
            return adjust(number, self._random.choice([-1, 1]) * amount, "ops", "goodwill")
        if act < 0.2:
            return reversal(number, amount, {})
        if act < 0.35 and self._ended:
            task_id, cost, model, key_id = self._ended.pop()
            return refund(task_id, 1, self._random.randint(0, cost), model, key_id, "ops", "blurred")
        if act < 0.65 and self._open:
            task_id, held, model, key_id = self._open.pop(self._random.randrange(len(self._open)))
            charged = self._random.choice([0, held, self._random.randint(0, held)])
            self._ended.append((task_id, charged, model, key_id))
            return end(task_id, held, charged, model, 1 if charged else 0, key_id)
        model, key_id = self._random.choice(MODELS), self._random.choice(KEYS)
        self._open.append((number, amount, model, key_id))
        return hold(number, amount, model, key_id)


@pytest.mark.parametrize("seed", range(4))
async def test_balance_statement_and_usage_agree(
    database: Database, ledger: Ledger, clock: StillClock, seed: int
) -> None:
    fold = UsageFold(database, ledger, KillPoints())
    await Life(ledger, clock, fold, seed).live(80)
    balance = (await ledger.balances(["acc_1"]))["acc_1"]
    lines = [line async for line in Statements(database).stream("acc_1", StatementQuery(ascending=True))]

    assert {line.entry.kind for line in lines} == set(EntryKind) - {EntryKind.CAP}
    last = lines[-1].balance
    assert (last.available, last.held, last.spent, last.owed) == (
        balance.available,
        balance.held,
        balance.spent,
        balance.owed,
    )
    for by in Group:
        usage = await fold.summary("acc_1", UsageQuery(by))
        assert sum(one.net_nano for one in usage.values()) == balance.spent
    signs = {EntryKind.END: 1, EntryKind.REFUND: -1}
    by_day: dict[str, int] = {}
    for line in lines:
        if line.entry.kind in SPEND:
            day = f"{line.at:%Y-%m-%d}"
            by_day[day] = by_day.get(day, 0) + signs[line.entry.kind] * line.entry.amount
    days = await fold.summary("acc_1", UsageQuery(Group.DAY))
    assert len(days) > 10
    for day, nano in by_day.items():
        assert (days[day].net_nano if day in days else 0) == nano
    since, until = (datetime.fromisoformat(sorted(days)[n]).replace(tzinfo=UTC) for n in (3, 8))
    between = await fold.summary("acc_1", UsageQuery(since=since.date(), until=until.date()))
    assert sum(one.net_nano for one in between.values()) == sum(
        signs[line.entry.kind] * line.entry.amount
        for line in lines
        if line.entry.kind in SPEND and since <= line.at < until
    )
    before = await fold.summary("acc_1", UsageQuery(Group.KEY))
    await fold.rebuild("acc_1")
    assert await fold.summary("acc_1", UsageQuery(Group.KEY)) == before
