"""The watcher tells each crossing once, whatever happens to it in between."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from services.billing.lease import Lease
from services.billing.thresholds import ThresholdWatcher
from shared.account_events import AccountEvent, AccountEvents
from shared.accounts.thresholds import Thresholds, ThresholdStore
from shared.ledger.chain import Ledger
from shared.ledger.entry import end, hold, topup
from shared.mongo import Database, DatabaseUnavailable
from tests.integration.conftest import Eventually, Start
from tests.unit.building import NOON, StillClock

EVERY = timedelta(seconds=2)
LOW_AND_USAGE = Thresholds(500, (300, 600))


class CutOff(AccountEvents):
    """Ends before or after it has recorded."""

    def __init__(self, database: Database, after: bool) -> None:
        super().__init__(database)
        self._after = after

    async def record(self, events: Sequence[AccountEvent]) -> None:
        if self._after:
            await super().record(events)
        raise DatabaseUnavailable


@pytest.fixture
async def store(database: Database, ledger: Ledger, clock: StillClock) -> ThresholdStore:
    """An account with $0.000001 and no thresholds."""
    await database["accounts"].insert_one({"_id": "acc_1", "email": "a@example.org"})
    await ledger.append({"acc_1": [topup("pay_1", 1_000, {})]})
    return ThresholdStore(database, ledger, clock)


def watcher(
    database: Database, ledger: Ledger, clock: StillClock, events: AccountEvents | None = None
) -> ThresholdWatcher:
    return ThresholdWatcher(database, ledger, events or AccountEvents(database), clock, EVERY)


async def spend(ledger: Ledger, task_id: str, amount: int) -> None:
    await ledger.append({"acc_1": [hold(task_id, amount, "m", "key_1")]})
    await ledger.append({"acc_1": [end(task_id, amount, amount, "m", 1, "key_1")]})


async def told(database: Database) -> list[tuple[str, str]]:
    found = database["account_events"].find().sort("_id", 1)
    return sorted([(one["type"], one["data"]["threshold_usd"]) async for one in found])


LOW = ("balance.low", "0.000000500")
USED_300 = ("usage.threshold", "0.000000300")
USED_600 = ("usage.threshold", "0.000000600")


async def test_each_crossing_is_told_once(
    database: Database, ledger: Ledger, clock: StillClock, store: ThresholdStore
) -> None:
    await store.set("acc_1", LOW_AND_USAGE)
    one = watcher(database, ledger, clock)
    await spend(ledger, "gen_1", 299)
    await one.watch()
    assert await told(database) == []

    await spend(ledger, "gen_2", 202)
    await one.watch()
    await one.watch()
    assert await told(database) == [LOW, USED_300]

    await spend(ledger, "gen_3", 100)
    await one.watch()
    assert await told(database) == [LOW, USED_300, USED_600]

    await ledger.append({"acc_1": [topup("pay_2", 1_000, {})]})
    await spend(ledger, "gen_4", 1_000)
    await one.watch()
    assert await told(database) == [LOW, LOW, USED_300, USED_600]


async def test_what_was_crossed_before_thresholds_were_set_is_not_told(
    database: Database, ledger: Ledger, clock: StillClock, store: ThresholdStore
) -> None:
    clock.at = NOON - timedelta(days=30)
    await spend(ledger, "gen_0", 50)
    clock.at = NOON
    await spend(ledger, "gen_1", 550)
    await store.set("acc_1", LOW_AND_USAGE)
    one = watcher(database, ledger, clock)
    await one.watch()
    assert await told(database) == []

    await spend(ledger, "gen_2", 49)
    await one.watch()
    assert await told(database) == []

    await spend(ledger, "gen_3", 1)
    await one.watch()
    assert await told(database) == [USED_600]


@pytest.mark.parametrize("after", [False, True], ids=["before recording", "after recording"])
async def test_a_crash_loses_and_doubles_nothing(
    database: Database, ledger: Ledger, clock: StillClock, store: ThresholdStore, after: bool
) -> None:
    await store.set("acc_1", LOW_AND_USAGE)
    await spend(ledger, "gen_1", 700)
    with pytest.raises(DatabaseUnavailable):
        await watcher(database, ledger, clock, CutOff(database, after)).watch()

    await watcher(database, ledger, clock).watch()

    assert await told(database) == [LOW, USED_300, USED_600]


async def test_many_watchers_at_once_tell_everything_once(
    database: Database, ledger: Ledger, clock: StillClock, store: ThresholdStore
) -> None:
    await store.set("acc_1", LOW_AND_USAGE)
    watchers = [watcher(database, ledger, clock) for _ in range(4)]
    for number in range(8):
        await asyncio.gather(spend(ledger, f"gen_{number}", 100), *(one.watch() for one in watchers))
    await watchers[0].watch()

    assert await told(database) == [LOW, USED_300, USED_600]


async def test_a_long_backlog_is_read_in_parts(
    database: Database, ledger: Ledger, clock: StillClock, store: ThresholdStore
) -> None:
    await store.set("acc_1", LOW_AND_USAGE)
    for number in range(7):
        await spend(ledger, f"gen_{number}", 100)
    await ThresholdWatcher(database, ledger, AccountEvents(database), clock, EVERY, blocks_at_once=3).watch()

    assert await told(database) == [LOW, USED_300, USED_600]
    (one,) = [watched async for watched in store.watched()]
    assert (one.watch.seq, one.watch.captured_nano, one.watch.available_nano) == (15, 700, 300)


async def test_changed_thresholds_go_on_from_where_the_old_ones_were(
    database: Database, ledger: Ledger, clock: StillClock, store: ThresholdStore
) -> None:
    await store.set("acc_1", Thresholds(usage_nano=(300,)))
    await spend(ledger, "gen_1", 400)
    await store.set("acc_1", Thresholds(usage_nano=(350,)))
    await watcher(database, ledger, clock).watch()
    assert await told(database) == [("usage.threshold", "0.000000350")]

    await store.remove("acc_1")
    assert await store.of("acc_1") == Thresholds()
    await spend(ledger, "gen_2", 400)
    await watcher(database, ledger, clock).watch()
    assert len(await told(database)) == 1


async def test_accounts_without_thresholds_are_not_looked_at(
    database: Database, ledger: Ledger, clock: StillClock, store: ThresholdStore
) -> None:
    others = [{"_id": f"acc_x{number}", "email": f"{number}@example.org"} for number in range(50)]
    await database["accounts"].insert_many(others)
    await store.set("acc_1", LOW_AND_USAGE)
    await database.command("profile", 2)
    await watcher(database, ledger, clock).watch()
    await database.command("profile", 0)

    query = await database["system.profile"].find_one({"command.find": "accounts"})
    assert query is not None
    assert query["docsExamined"] == 1
    assert await database["system.profile"].count_documents({"command.find": "ledger"}) == 1


async def test_the_loop_goes_on_when_the_database_was_away(
    database: Database,
    ledger: Ledger,
    clock: StillClock,
    store: ThresholdStore,
    running: Start,
    eventually: Eventually,
) -> None:
    class OnceAway(AccountEvents):
        away = True

        async def record(self, events: Sequence[AccountEvent]) -> None:
            if self.away:
                self.away = False
                raise DatabaseUnavailable
            await super().record(events)

    await store.set("acc_1", LOW_AND_USAGE)
    await spend(ledger, "gen_1", 700)
    every = timedelta(milliseconds=10)
    running(ThresholdWatcher(database, ledger, OnceAway(database), clock, every).run())

    async def all_told() -> bool:
        return await told(database) == [LOW, USED_300, USED_600]

    await eventually(all_told)


async def test_one_process_at_a_time_has_the_lease(database: Database, clock: StillClock) -> None:
    first, second = (Lease(database, "thresholds", clock, timedelta(seconds=6)) for _ in range(2))

    assert await first.take()
    assert not await second.take()
    clock.forward(seconds=5)
    assert await first.take()
    clock.forward(seconds=5)
    assert not await second.take()
    clock.forward(seconds=1)
    assert await second.take()
    assert not await first.take()
