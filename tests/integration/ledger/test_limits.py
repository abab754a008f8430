"""Setting spend caps: what they have counted is what the chain says, also while money is being held."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from shared.ledger.caps import Cap, Per, period_of
from shared.ledger.chain import Applied, Ledger
from shared.ledger.entry import end, hold, refund, topup
from shared.ledger.limits import SpendLimits, counted_in
from shared.ledger.refusals import BrokenEntry, SpendCapReached
from shared.ledger.verify import Verification
from shared.mongo import Database
from tests.unit.building import NOON, StillClock

MIDNIGHT = datetime(2026, 3, 15, tzinfo=UTC)


@pytest.fixture
async def limits(ledger: Ledger, clock: StillClock) -> SpendLimits:
    await ledger.append({"acc_1": [topup("pay_1", 100_000, {})]})
    return SpendLimits(ledger, clock)


async def spend(
    ledger: Ledger, clock: StillClock, task_id: str, amount: int, captured: int | None, key_id: str = "key_1"
) -> None:
    held_at = clock.now()
    await ledger.append({"acc_1": [hold(task_id, amount, "m", key_id)]})
    if captured is not None:
        await ledger.append({"acc_1": [end(task_id, amount, captured, "m", 1, key_id, held_at)]})


async def test_a_cap_counts_what_was_held_and_charged_before_it_was_set(
    ledger: Ledger, clock: StillClock, limits: SpendLimits
) -> None:
    clock.at = NOON - timedelta(days=20)
    await spend(ledger, clock, "gen_1", 1_000, 1_000)
    clock.at = NOON - timedelta(days=3)
    await spend(ledger, clock, "gen_2", 500, 300)
    clock.at = NOON
    await spend(ledger, clock, "gen_3", 70, 50)
    await spend(ledger, clock, "gen_4", 20, None)
    await spend(ledger, clock, "gen_5", 8, 0)
    await spend(ledger, clock, "gen_6", 5, 5, "key_2")

    assert await limits.impose("acc_1", None, Per.DAY, 900, "ops") == Cap(
        None, Per.DAY, 900, "2026-03-14", 75
    )
    assert (await limits.impose("acc_1", "key_1", Per.DAY, 900, "ops")).counted == 70
    assert (await limits.impose("acc_1", None, Per.MONTH, 900, "ops")).counted == 375
    assert (await limits.impose("acc_1", "key_2", Per.MONTH, 900, "ops")).counted == 5
    assert [cap.counted for cap in await limits.of("acc_1")] == [75, 70, 375, 5]


async def test_a_hold_of_yesterday_released_today_frees_nothing_today(
    ledger: Ledger, clock: StillClock, limits: SpendLimits
) -> None:
    clock.at = MIDNIGHT - timedelta(seconds=1)
    await ledger.append({"acc_1": [hold("gen_1", 500, "m", "key_1")]})
    held_at, clock.at = clock.at, MIDNIGHT + timedelta(seconds=1)
    await spend(ledger, clock, "gen_2", 100, None)
    await limits.impose("acc_1", None, Per.DAY, 1_000, "ops")
    await limits.impose("acc_1", None, Per.MONTH, 1_000, "ops")

    await ledger.append({"acc_1": [end("gen_1", 500, 0, "m", 0, "key_1", held_at)]})

    assert [cap.counted for cap in await limits.of("acc_1")] == [100, 100]


async def test_a_block_of_a_clock_that_is_behind_does_not_end_the_count_early(
    ledger: Ledger, clock: StillClock, limits: SpendLimits
) -> None:
    clock.at = MIDNIGHT + timedelta(milliseconds=5)
    await spend(ledger, clock, "gen_1", 100, None)
    clock.at = MIDNIGHT - timedelta(milliseconds=5)
    await spend(ledger, clock, "gen_2", 10, None)
    clock.at = MIDNIGHT + timedelta(milliseconds=9)
    await spend(ledger, clock, "gen_3", 1, None)

    assert (await limits.impose("acc_1", None, Per.DAY, 1_000, "ops")).counted == 101


async def test_an_operator_whose_clock_is_behind_caps_the_day_that_the_chain_is_in(
    ledger: Ledger, clock: StillClock, limits: SpendLimits
) -> None:
    clock.at = MIDNIGHT + timedelta(milliseconds=5)
    await spend(ledger, clock, "gen_1", 100, None)
    clock.at = MIDNIGHT - timedelta(milliseconds=5)

    assert await limits.impose("acc_1", None, Per.DAY, 150, "ops") == Cap(
        None, Per.DAY, 150, "2026-03-15", 100
    )


async def test_a_refund_gives_no_cap_anything_back(
    ledger: Ledger, clock: StillClock, limits: SpendLimits
) -> None:
    await limits.impose("acc_1", None, Per.DAY, 100, "ops")
    await spend(ledger, clock, "gen_1", 100, 100)
    await ledger.append({"acc_1": [refund("gen_1", 1, 100, "m", "key_1", "ops", "late")]})

    assert [cap.counted for cap in await limits.of("acc_1")] == [100]
    assert (await limits.impose("acc_1", None, Per.DAY, 200, "ops")).counted == 100


async def test_a_cap_is_lifted_and_one_that_is_not_there_too(
    ledger: Ledger, clock: StillClock, limits: SpendLimits
) -> None:
    await limits.impose("acc_1", None, Per.DAY, 10, "ops")
    await limits.lift("acc_1", None, Per.DAY, "ops")
    await limits.lift("acc_1", None, Per.MONTH, "ops")

    assert await limits.of("acc_1") == ()
    await spend(ledger, clock, "gen_1", 100, 100)
    assert (await ledger.balances(["acc_1"]))["acc_1"].spent == 100


async def test_an_account_without_a_chain_can_be_capped(ledger: Ledger, limits: SpendLimits) -> None:
    await limits.impose("acc_new", None, Per.DAY, 10, "ops")

    assert [cap.limit for cap in await limits.of("acc_new")] == [10]


async def test_the_caps_of_one_account_are_not_without_number(limits: SpendLimits) -> None:
    for number in range(100):
        await limits.impose("acc_1", f"key_{number}", Per.DAY, 10, "ops")

    with pytest.raises(BrokenEntry, match="at most 100 spend caps"):
        await limits.impose("acc_1", "key_100", Per.DAY, 10, "ops")


async def test_a_cap_set_while_money_is_held_counts_every_hold_and_is_kept_to(
    database: Database, ledger: Ledger, clock: StillClock, limits: SpendLimits
) -> None:
    other = Ledger(database, clock)

    async def traffic(lane: int, chosen: Ledger) -> list[bool]:
        taken = []
        for number in range(40):
            entry = hold(f"gen_{lane}_{number}", 10, "m", "key_1")
            outcome = (await chosen.append({"acc_1": [entry]}))[entry.op]
            assert isinstance(outcome, Applied | SpendCapReached)
            taken.append(isinstance(outcome, Applied))
            if isinstance(outcome, Applied) and number % 4 == 0:
                ended = end(f"gen_{lane}_{number}", 10, 3, "m", 1, "key_1", clock.now())
                await chosen.append({"acc_1": [ended]})
        return taken

    running = [asyncio.create_task(traffic(n, (ledger, other)[n % 2])) for n in range(6)]
    for limit in (100_000, 90_000, 1_000):
        await asyncio.sleep(0.02)
        await limits.impose("acc_1", "key_1", Per.DAY, limit, "ops")
    await asyncio.gather(*running)

    blocks = [block async for block in ledger.blocks("acc_1")]
    for block in blocks:
        for cap in block.get("caps", ()):
            known = [one for one in blocks if one["seq"] <= block["seq"]]
            period = period_of(Per.DAY, NOON)
            assert cap["counted"] == sum(counted_in(one, "key_1", Per.DAY, period) for one in known)
    report = await Verification(database, clock.now()).run()
    assert [one for one in report.violations if one.invariant == "I4"] == []


async def test_of_many_at_once_exactly_those_are_taken_that_the_cap_covers(
    database: Database, ledger: Ledger, clock: StillClock, limits: SpendLimits
) -> None:
    ledgers = [ledger, Ledger(database, clock)]
    await limits.impose("acc_1", "key_1", Per.DAY, 1_000, "ops")
    entries = [hold(f"gen_{number}", 100, "m", "key_1") for number in range(200)]

    outcomes = await asyncio.gather(
        *(ledgers[n % 2].append({"acc_1": [entry]}) for n, entry in enumerate(entries))
    )

    found = [outcome for one in outcomes for outcome in one.values()]
    assert sum(isinstance(one, Applied) for one in found) == 10
    assert sum(isinstance(one, SpendCapReached) for one in found) == 190
    assert [cap.counted for cap in await limits.of("acc_1")] == [1_000]
