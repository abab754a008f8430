"""Appending to chains: who wins, what happens once, and how the tails are found."""

from __future__ import annotations

import asyncio
import random

import pytest

from shared.ledger.block import Balance
from shared.ledger.chain import Applied, Ledger, Outcome
from shared.ledger.entry import Entry, end, hold, topup
from shared.ledger.refusals import BrokenEntry, InsufficientBalance
from shared.ledger.verify import Verification
from shared.mongo import Database
from tests.unit.building import StillClock


async def top_up(ledger: Ledger, amount: int, account: str = "acc_1") -> None:
    await ledger.append({account: [topup(f"pay_{account}_{random.random()}", amount, {})]})


async def balance(ledger: Ledger, account: str = "acc_1") -> Balance:
    return (await ledger.balances([account]))[account]


async def appended(ledger: Ledger, entry: Entry, account: str = "acc_1") -> Outcome:
    return (await ledger.append({account: [entry]}))[entry.op]


async def test_of_two_hundred_concurrent_holds_exactly_those_that_fit_are_taken(
    database: Database, clock: StillClock
) -> None:
    ledgers = [Ledger(database, clock), Ledger(database, clock)]
    await top_up(ledgers[0], 1_000)

    outcomes = await asyncio.gather(
        *(appended(ledgers[n % 2], hold(f"gen_{n}", 100, "m")) for n in range(200))
    )

    assert sum(isinstance(one, Applied) and one.now for one in outcomes) == 10
    assert sum(isinstance(one, InsufficientBalance) for one in outcomes) == 190
    tail = await balance(ledgers[0])
    assert (tail.available, tail.held) == (0, 1_000)
    report = await Verification(database, clock.now()).run()
    assert report.clean
    assert report.open_holds == 10


async def test_groups_of_two_processes_share_one_chain_without_gaps(
    database: Database, clock: StillClock
) -> None:
    ledgers = [Ledger(database, clock), Ledger(database, clock)]
    await top_up(ledgers[0], 10_000)
    groups = [[hold(f"gen_{n}_{k}", 1, "m") for k in range(5)] for n in range(40)]

    await asyncio.gather(*(ledgers[n % 2].append({"acc_1": group}) for n, group in enumerate(groups)))

    blocks = [block async for block in ledgers[0].blocks("acc_1")]
    assert [block["seq"] for block in blocks] == list(range(1, len(blocks) + 1))
    assert (await balance(ledgers[0])).held == 200


async def test_an_act_asked_for_many_times_at_once_happens_once(
    database: Database, clock: StillClock
) -> None:
    ledgers = [Ledger(database, clock), Ledger(database, clock)]
    await top_up(ledgers[0], 1_000)

    outcomes = await asyncio.gather(*(appended(ledgers[n % 2], hold("gen_1", 100, "m")) for n in range(20)))

    assert all(isinstance(one, Applied) for one in outcomes)
    assert sum(isinstance(one, Applied) and one.now for one in outcomes) == 1
    assert (await balance(ledgers[0])).held == 100


@pytest.mark.parametrize("left", [900, 50, 0])
async def test_a_hold_that_was_made_before_is_found_again_whatever_the_balance_is_now(
    ledger: Ledger, left: int
) -> None:
    await top_up(ledger, 100 + left)
    await appended(ledger, hold("gen_1", 100, "m"))

    assert await appended(ledger, hold("gen_1", 100, "m")) == Applied(hold("gen_1", 100, "m"), now=False)
    assert (await balance(ledger)).held == 100


@pytest.mark.parametrize("others_held", [0, 500])
async def test_an_end_that_was_made_before_is_found_again_whatever_else_is_held(
    ledger: Ledger, others_held: int
) -> None:
    await top_up(ledger, 1_000)
    await appended(ledger, hold("gen_1", 100, "m"))
    if others_held:
        await appended(ledger, hold("gen_2", others_held, "m"))
    await appended(ledger, end("gen_1", 100, 60, "m", 1))

    again = await appended(ledger, end("gen_1", 100, 60, "m", 1))

    assert again == Applied(end("gen_1", 100, 60, "m", 1), now=False)
    assert (await balance(ledger)).spent == 60


async def test_a_different_end_gets_the_stored_one_and_changes_nothing(ledger: Ledger) -> None:
    await top_up(ledger, 1_000)
    await appended(ledger, hold("gen_1", 100, "m"))
    await appended(ledger, end("gen_1", 100, 60, "m", 1))

    assert await appended(ledger, end("gen_1", 100, 0, "m", 0)) == Applied(
        end("gen_1", 100, 60, "m", 1), now=False
    )


async def test_a_repeat_does_not_keep_its_neighbours_from_being_appended(ledger: Ledger) -> None:
    await top_up(ledger, 1_000)
    await appended(ledger, hold("gen_1", 100, "m"))

    outcomes = await ledger.append({"acc_1": [hold("gen_1", 100, "m"), hold("gen_2", 50, "m")]})

    assert outcomes == {
        "hold:gen_1": Applied(hold("gen_1", 100, "m"), now=False),
        "hold:gen_2": Applied(hold("gen_2", 50, "m"), now=True),
    }
    assert (await balance(ledger)).held == 150


async def test_an_end_of_what_was_never_held_is_refused(ledger: Ledger) -> None:
    await top_up(ledger, 1_000)

    assert isinstance(await appended(ledger, end("gen_1", 100, 60, "m", 1)), BrokenEntry)
    assert await balance(ledger) == Balance(1, 1_000, 0, 0)


async def test_holds_and_ends_of_one_account_share_a_block(ledger: Ledger) -> None:
    await top_up(ledger, 100)
    await appended(ledger, hold("gen_1", 100, "m"))

    await ledger.append({"acc_1": [end("gen_1", 100, 30, "m", 1), hold("gen_2", 70, "m")]})

    assert await balance(ledger) == Balance(3, 0, 70, 30)


async def test_one_call_serves_many_accounts_with_a_block_each(ledger: Ledger) -> None:
    accounts = [f"acc_{n}" for n in range(30)]
    for account in accounts[:20]:
        await top_up(ledger, 100, account)

    outcomes = await ledger.append({account: [hold(f"gen_{account}", 60, "m")] for account in accounts})

    assert [isinstance(outcomes[f"hold:gen_{account}"], Applied) for account in accounts] == [True] * 20 + [
        False
    ] * 10
    balances = await ledger.balances(accounts)
    assert [balances[account].held for account in accounts] == [60] * 20 + [0] * 10


async def test_a_conflict_on_one_account_does_not_double_the_others(ledger: Ledger) -> None:
    for account in ("acc_1", "acc_2"):
        await top_up(ledger, 100, account)
    await appended(ledger, hold("gen_1", 10, "m"))

    await ledger.append({"acc_1": [hold("gen_1", 10, "m")], "acc_2": [hold("gen_2", 20, "m")]})

    assert await balance(ledger, "acc_1") == Balance(2, 90, 10, 0)
    assert await balance(ledger, "acc_2") == Balance(2, 80, 20, 0)


async def test_an_account_without_a_chain_has_an_empty_balance(ledger: Ledger) -> None:
    assert await ledger.balances(["acc_1"]) == {"acc_1": Balance()}
    assert await ledger.balances(["acc_1", "acc_2"]) == {"acc_1": Balance(), "acc_2": Balance()}


async def test_a_top_up_after_a_refusal_does_not_bring_the_refused_hold_back(ledger: Ledger) -> None:
    await top_up(ledger, 50)
    assert isinstance(await appended(ledger, hold("gen_1", 100, "m")), InsufficientBalance)
    await top_up(ledger, 1_000)

    assert await ledger.find(["hold:gen_1"]) == {}
    assert await balance(ledger) == Balance(2, 1_050, 0, 0)


async def test_tails_are_found_by_jumping_through_the_index_and_no_block_is_read_in_vain(
    database: Database, ledger: Ledger
) -> None:
    for n in range(10):
        await ledger.append({f"acc_{k}": [topup(f"pay_{n}_{k}", 1, {})] for k in range(5)})
    await database.command("profile", 2)
    await ledger.balances([f"acc_{k}" for k in range(5)])
    await ledger.balances(["acc_1"])
    await database.command("profile", 0)

    profile = database["system.profile"]
    of_many = await profile.find_one({"command.aggregate": "ledger"})
    of_one = await profile.find_one({"command.find": "ledger"})
    assert of_many is not None
    assert of_one is not None
    assert "DISTINCT_SCAN" in of_many["planSummary"]
    assert of_many["docsExamined"] <= 5
    assert of_one["planSummary"].startswith("IXSCAN")
    assert of_one["docsExamined"] == 1


async def test_a_repeated_hold_does_not_take_the_room_of_a_new_one(ledger: Ledger) -> None:
    await top_up(ledger, 150)
    await appended(ledger, hold("gen_1", 100, "m"))
    await top_up(ledger, 60)

    outcomes = await ledger.append({"acc_1": [hold("gen_1", 100, "m"), hold("gen_2", 110, "m")]})

    assert outcomes == {
        "hold:gen_1": Applied(hold("gen_1", 100, "m"), now=False),
        "hold:gen_2": Applied(hold("gen_2", 110, "m"), now=True),
    }


async def test_a_repeated_end_does_not_keep_a_new_one_from_its_hold(ledger: Ledger) -> None:
    await top_up(ledger, 200)
    await ledger.append({"acc_1": [hold("gen_1", 100, "m"), hold("gen_2", 100, "m")]})
    await appended(ledger, end("gen_1", 100, 100, "m", 1))

    outcomes = await ledger.append(
        {"acc_1": [end("gen_1", 100, 100, "m", 1), end("gen_2", 100, 100, "m", 1)]}
    )

    assert outcomes["end:gen_1"] == Applied(end("gen_1", 100, 100, "m", 1), now=False)
    assert outcomes["end:gen_2"] == Applied(end("gen_2", 100, 100, "m", 1), now=True)
    assert await balance(ledger) == Balance(4, 0, 0, 200)
