"""Usage: exact at every moment, folded or not, whoever folds and wherever a fold was cut off."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest

from shared.killpoints import KillPoints
from shared.ledger.chain import Ledger
from shared.ledger.chains import coupon_chain
from shared.ledger.entry import end, hold, refund, topup
from shared.ledger.usage import UsageFold
from shared.ledger.usage_rows import Group, Usage, UsageQuery
from shared.mongo import Database, Document
from tests.unit.building import StillClock

MARCH, APRIL = datetime(2026, 3, 31, 23, 59, tzinfo=UTC), datetime(2026, 4, 1, 0, 1, tzinfo=UTC)


class Shop:
    """An account that buys images."""

    def __init__(self, ledger: Ledger, clock: StillClock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._sold = 0

    async def open(self) -> None:
        await self._ledger.append({"acc_1": [topup("pay_1", 10_000, {})]})

    async def sell(self, count: int, at: datetime, model: str = "a", key_id: str | None = "k1") -> None:
        """One block of holds and one of ends for each: ten nano-USD and one image."""
        self._clock.at = at
        for _ in range(count):
            self._sold += 1
            task = f"gen_{self._sold}"
            await self._ledger.append({"acc_1": [hold(task, 15, model, key_id)]})
            await self._ledger.append({"acc_1": [end(task, 15, 10, model, 1, key_id)]})


@pytest.fixture
async def shop(ledger: Ledger, clock: StillClock) -> Shop:
    opened = Shop(ledger, clock)
    await opened.open()
    return opened


@pytest.fixture
def fold(database: Database, ledger: Ledger) -> UsageFold:
    return UsageFold(database, ledger, KillPoints())


def sold(count: int) -> Usage:
    return Usage(count, 10 * count, count)


async def test_the_summary_is_exact_without_any_fold(shop: Shop, fold: UsageFold) -> None:
    await shop.sell(2, MARCH, "a")
    await shop.sell(1, APRIL, "b")

    assert await fold.summary("acc_1") == {"a": sold(2), "b": sold(1)}
    assert await fold.summary("acc_2") == {}


async def test_the_summary_is_the_same_before_during_and_after_folds(shop: Shop, fold: UsageFold) -> None:
    for count in range(1, 7):
        await shop.sell(1, MARCH if count <= 3 else APRIL)
        if count % 2:
            await fold.catch_up("acc_1")
        assert await fold.summary("acc_1") == {"a": sold(count)}


def row(model: str, key_id: str, count: int, refunded_nano: int = 0) -> Document:
    usage = {"units": count, "cost_nano": 10 * count, "tasks": count, "refunded_nano": refunded_nano}
    return {"model": model, "key_id": key_id, **usage}


async def test_each_day_has_its_own_totals(
    database: Database, ledger: Ledger, shop: Shop, fold: UsageFold
) -> None:
    await shop.sell(2, MARCH, "a")
    await shop.sell(3, APRIL, "a")
    await shop.sell(1, APRIL, "b", "k2")
    await shop.sell(1, APRIL, "b", None)
    await ledger.append({"acc_1": [refund("gen_1", 1, 4, "a", "k1", "ops", "blurred")]})
    await fold.catch_up("acc_1")

    days = {one["day"]: one["rows"] async for one in database["usage_days"].find({"account": "acc_1"})}
    assert days == {
        "2026-03-31": [row("a", "k1", 2)],
        "2026-04-01": [row("a", "k1", 3, 4), row("b", "", 1), row("b", "k2", 1)],
        "head": [],
    }


@pytest.mark.parametrize("folded", [False, True])
async def test_usage_is_told_by_model_key_or_day_and_for_some_of_them(
    ledger: Ledger, shop: Shop, fold: UsageFold, folded: bool
) -> None:
    await shop.sell(2, MARCH, "a", "k1")
    await shop.sell(3, APRIL, "a", "k2")
    await shop.sell(1, APRIL, "b", "k1")
    await ledger.append({"acc_1": [refund("gen_1", 1, 4, "a", "k1", "ops", "blurred")]})
    if folded:
        await fold.catch_up("acc_1")

    async def asked(by: Group, **limits: object) -> dict[str, Usage]:
        return await fold.summary("acc_1", UsageQuery(by, **limits))  # type: ignore[arg-type]

    assert await asked(Group.MODEL) == {"a": Usage(5, 50, 5, 4), "b": sold(1)}
    assert await asked(Group.KEY) == {"k1": Usage(3, 30, 3, 4), "k2": sold(3)}
    assert await asked(Group.DAY) == {"2026-03-31": sold(2), "2026-04-01": Usage(4, 40, 4, 4)}
    assert await asked(Group.MODEL, until=date(2026, 4, 1)) == {"a": sold(2)}
    assert await asked(Group.KEY, since=date(2026, 4, 1)) == {"k1": Usage(1, 10, 1, 4), "k2": sold(3)}
    assert await asked(Group.DAY, model="a", key_id="k2") == {"2026-04-01": sold(3)}
    assert await asked(Group.DAY, model="nothing") == {}


async def test_chains_of_coupons_have_no_usage(database: Database, ledger: Ledger, fold: UsageFold) -> None:
    chain = coupon_chain("SPRING")
    await ledger.append({chain: [topup("uses", 10, {})]})
    await ledger.append({chain: [hold("use_1", 1, "a")]})
    await ledger.append({chain: [end("use_1", 1, 1, "a", 1)]})
    await fold.catch_up(chain)

    assert await database["usage_days"].count_documents({}) == 0


async def test_days_are_made_anew_whatever_stood_there(
    database: Database, shop: Shop, fold: UsageFold
) -> None:
    await shop.sell(2, MARCH)
    await shop.sell(3, APRIL)
    await fold.catch_up("acc_1")
    days = database["usage_days"]
    await days.update_one({"day": "2026-03-31"}, {"$set": {"rows": [row("z", "k9", 7)]}})
    await days.delete_one({"day": "2026-04-01"})
    await days.insert_one(
        {"account": "acc_1", "day": "2020-01-01", "seq": 999, "revision": 1, "rows": [row("y", "", 9)]}
    )
    await days.update_one({"day": "head"}, {"$set": {"seq": 999}})
    assert await fold.summary("acc_1") != {"a": sold(5)}

    assert await fold.rebuild("acc_1") == 2
    assert await fold.summary("acc_1") == {"a": sold(5)}
    await shop.sell(1, APRIL)
    await fold.catch_up("acc_1")
    assert await fold.summary("acc_1", UsageQuery(Group.DAY)) == {
        "2026-03-31": sold(2),
        "2026-04-01": sold(4),
    }


async def test_days_made_anew_beside_folds_count_every_block_once(
    database: Database, ledger: Ledger, shop: Shop
) -> None:
    folds = [UsageFold(database, ledger, KillPoints()) for _ in range(3)]
    selling = asyncio.create_task(shop.sell(25, MARCH))
    while not selling.done():
        await asyncio.gather(folds[0].rebuild("acc_1"), *(fold.catch_up("acc_1") for fold in folds))
    await selling

    await folds[0].catch_up("acc_1")
    assert await folds[0].summary("acc_1") == {"a": sold(25)}


async def test_catching_up_with_nothing_new_changes_nothing(
    database: Database, shop: Shop, fold: UsageFold
) -> None:
    await fold.catch_up("acc_without_chain")
    await shop.sell(2, MARCH)
    await fold.catch_up("acc_1")
    before = [one async for one in database["usage_days"].find()]
    await fold.catch_up("acc_1")

    assert [one async for one in database["usage_days"].find()] == before


async def test_what_is_folded_is_not_read_again(database: Database, shop: Shop, fold: UsageFold) -> None:
    await shop.sell(3, MARCH)
    await fold.catch_up("acc_1")
    await database["ledger"].delete_many({})

    assert await fold.summary("acc_1") == {"a": sold(3)}


async def test_concurrent_catch_ups_count_every_block_once(
    database: Database, ledger: Ledger, shop: Shop
) -> None:
    folds = [UsageFold(database, ledger, KillPoints()) for _ in range(8)]
    for expected, at in ((5, MARCH), (10, APRIL)):
        await shop.sell(5, at)
        await asyncio.gather(*(fold.catch_up("acc_1") for fold in folds))
        assert await folds[0].summary("acc_1") == {"a": sold(expected)}

    await folds[0].catch_up("acc_1")
    days = [one async for one in database["usage_days"].find({"day": {"$ne": "head"}})]
    assert sum(one["units"] for day in days for one in day["rows"]) == 10


async def test_catch_ups_while_blocks_keep_coming_count_every_block_once(
    database: Database, ledger: Ledger, shop: Shop
) -> None:
    folds = [UsageFold(database, ledger, KillPoints()) for _ in range(3)]
    selling = asyncio.create_task(shop.sell(25, MARCH))
    while not selling.done():
        await asyncio.gather(*(fold.catch_up("acc_1") for fold in folds))
    await selling

    assert await folds[0].summary("acc_1") == {"a": sold(25)}


class PausingLedger(Ledger):
    """Gives the blocks and then keeps its reader waiting."""

    def __init__(self, database: Database, clock: StillClock) -> None:
        super().__init__(database, clock)
        self.read = asyncio.Event()
        self.go_on = asyncio.Event()

    async def blocks(self, account: str, after_seq: int = 0) -> AsyncIterator[Document]:
        async for block in super().blocks(account, after_seq):
            yield block
        self.read.set()
        await self.go_on.wait()


async def test_a_fold_that_was_overtaken_does_not_set_the_totals_back(
    database: Database, shop: Shop, fold: UsageFold, clock: StillClock
) -> None:
    await shop.sell(1, MARCH)
    await fold.catch_up("acc_1")
    await shop.sell(2, MARCH)
    pausing = PausingLedger(database, clock)
    overtaken = asyncio.create_task(UsageFold(database, pausing, KillPoints()).catch_up("acc_1"))
    await pausing.read.wait()
    await shop.sell(3, MARCH)
    await fold.catch_up("acc_1")
    before = [one async for one in database["usage_days"].find().sort("day")]
    pausing.go_on.set()
    await overtaken

    assert [one async for one in database["usage_days"].find().sort("day")] == before
    assert await fold.summary("acc_1") == {"a": sold(6)}


DYING_FOLD = """
import asyncio, sys
from shared.clock import DatabaseClock
from shared.killpoints import KillPoints
from shared.ledger.chain import Ledger
from shared.ledger.usage import UsageFold
from shared.mongo import connect

async def main():
    database = connect(sys.argv[1])[sys.argv[2]]
    killpoints = KillPoints("billing.between_fold_steps")
    await UsageFold(database, Ledger(database, DatabaseClock()), killpoints).catch_up("acc_1")

asyncio.run(main())
"""


@pytest.mark.parametrize("crashes", [1, 2])
async def test_a_process_killed_between_two_days_leaves_nothing_counted_twice(
    database: Database, shop: Shop, fold: UsageFold, crashes: int
) -> None:
    await shop.sell(2, MARCH)
    await shop.sell(3, APRIL)
    host, port = await database.client.address or ("", 0)
    url = f"mongodb://{host}:{port}/?directConnection=true"
    for _ in range(crashes):
        command = [sys.executable, "-c", DYING_FOLD, url, database.name]
        died = await asyncio.to_thread(subprocess.run, command, check=False)
        assert died.returncode == -signal.SIGKILL

    assert await database["usage_days"].count_documents({"day": "head"}) == 0
    assert await fold.summary("acc_1") == {"a": sold(5)}

    await shop.sell(1, MARCH)
    await fold.catch_up("acc_1")
    assert await fold.summary("acc_1") == {"a": sold(6)}
    assert await database["usage_days"].count_documents({"day": "head"}) == 1
