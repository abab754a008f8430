"""`hatchery ledger verify` as an operator runs it."""

from __future__ import annotations

from datetime import timedelta

import orjson

from shared.ledger.chain import Ledger
from shared.ledger.entry import end, hold, topup
from shared.ledger.proof.points import Points
from shared.tasks.lifecycle import State
from tests.harness.stack import Stack
from tests.integration.cli.test_commands import hatchery
from tests.unit.building import task_document


async def make_books(stack: Stack, tasks: int = 1) -> None:
    ledger, made = Ledger(stack.database, stack.clock), [f"gen_{number:03}" for number in range(tasks)]
    at = stack.clock.now()
    await ledger.append({"acc_1": [topup("pay_1", 10**12, {})], "acc_2": [topup("pay_2", 10**9, {})]})
    await ledger.append({"acc_1": [hold(one, 10**9, "m") for one in made]})
    await ledger.append({"acc_1": [end(one, 10**9, 10**9, "m", 1) for one in made]})
    await stack.database["tasks"].insert_many(
        [task_document(State.COMPLETED, _id=one, cost_nano=10**9, completed_at=at) for one in made]
    )
    # The auditor and --since-last leave alone what is younger than half a minute.
    await stack.database["ledger"].update_many({}, {"$set": {"at": at - timedelta(minutes=5)}})


async def test_honest_books_are_clean_and_the_sums_are_told(own_stack: Stack) -> None:
    await make_books(own_stack)

    code, printed = await hatchery(own_stack, "ledger", "verify")

    assert code == 0, printed
    assert "2 accounts and 0 chains of coupons, 4 blocks, 4 entries, 1 final tasks, 0 open holds" in printed
    assert "= $1001.000000000" in printed
    assert printed.endswith("clean\n")
    proof = await own_stack.database["proofs"].find_one({"_id": "whole"})
    assert proof is not None
    assert (proof["entries"], proof["violations"]) == (4, 0)


async def test_a_violation_is_told_with_both_sides_and_what_to_do(own_stack: Stack) -> None:
    await make_books(own_stack)
    await own_stack.database["tasks"].update_one({"_id": "gen_000"}, {"$set": {"cost_nano": 7}})

    code, printed = await hatchery(own_stack, "ledger", "verify")

    assert code == 1
    assert "I3 gen_000: costs 7, captured is 1000000000 (expected 7, found 1000000000)" in printed
    assert "hatchery refund" in printed
    assert printed.endswith("1 violations\n")


async def test_of_many_violations_a_hundred_are_told_and_in_json_all_of_them(own_stack: Stack) -> None:
    await make_books(own_stack, tasks=130)
    await own_stack.database["tasks"].delete_many({})

    code, printed = await hatchery(own_stack, "ledger", "verify")
    assert code == 1
    assert printed.count("there is no such task") == 100
    assert "and 30 more: --json shows all of them" in printed

    code, printed = await hatchery(own_stack, "ledger", "verify", "--json")
    told = orjson.loads(printed)
    assert code == 1
    assert (told["clean"], len(told["violations"]), told["spent"]) == (False, 130, 130 * 10**9)
    assert {"invariant", "subject", "detail", "expected", "found", "advice"} == told["violations"][0].keys()


async def test_one_chain_is_verified_alone(own_stack: Stack) -> None:
    await make_books(own_stack)
    await own_stack.database["ledger"].update_one({"account": "acc_2"}, {"$set": {"available": 5}})

    assert (await hatchery(own_stack, "ledger", "verify", "--account", "acc_1"))[0] == 0
    assert (await hatchery(own_stack, "ledger", "verify", "--account", "acc_2"))[0] == 1
    code, printed = await hatchery(own_stack, "ledger", "verify", "--account", "acc_3")
    assert (code, printed.strip()) == (1, "error: there is no chain acc_3")
    assert await own_stack.database["proofs"].count_documents({}) == 0


async def test_since_the_last_time_only_new_blocks_are_read(own_stack: Stack) -> None:
    await make_books(own_stack)

    read = []
    for _ in range(2):
        code, printed = await hatchery(own_stack, "ledger", "verify", "--since-last", "--json")
        assert code == 0, printed
        read.append(orjson.loads(printed)["entries"])
    assert read == [4, 0]


async def test_a_clean_whole_verification_ends_what_was_found_before(own_stack: Stack) -> None:
    await make_books(own_stack)
    await own_stack.database["tasks"].update_one({"_id": "gen_000"}, {"$set": {"cost_nano": 7}})
    assert (await hatchery(own_stack, "ledger", "verify", "--since-last"))[0] == 1
    assert (await Points(own_stack.database).read("acc_1"))["acc_1"].findings

    await own_stack.database["tasks"].update_one({"_id": "gen_000"}, {"$set": {"cost_nano": 10**9}})
    assert (await hatchery(own_stack, "ledger", "verify", "--since-last"))[0] == 1
    assert (await hatchery(own_stack, "ledger", "verify"))[0] == 0
    assert (await hatchery(own_stack, "ledger", "verify", "--since-last"))[0] == 0
