"""Uses of coupons as entries of the ledger."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.coupons.entries import UNLIMITED_USES, budget, open_uses, use, use_ended, use_op, uses_ended
from shared.ledger.block import Balance, make_block
from shared.ledger.chains import coupon_chain, coupon_chain_of, is_account
from shared.ledger.entry import Entry
from shared.ledger.refusals import InsufficientBalance
from shared.mongo import Document
from tests.unit.building import NOON

CHAIN = coupon_chain("TEN")
OF_ACCOUNT = coupon_chain_of("TEN", "acc_1")


def test_coupons_have_chains_that_are_no_accounts() -> None:
    assert (CHAIN, OF_ACCOUNT) == ("coupon:TEN", "coupon:TEN:acc_1")
    assert not is_account(CHAIN)
    assert not is_account(OF_ACCOUNT)
    assert is_account("acc_1")


def test_each_act_on_each_chain_has_a_name_of_its_own() -> None:
    acts = [
        entry.op
        for chain in (CHAIN, OF_ACCOUNT)
        for entry in (budget(chain, 1), use(chain, "tsk_1"), use_ended(chain, "tsk_1", completed=True))
    ]

    assert acts == [
        "budget:TEN",
        "coupon:TEN:tsk_1",
        "coupon-end:TEN:tsk_1",
        "budget:TEN:acc_1",
        "coupon:TEN:acc_1:tsk_1",
        "coupon-end:TEN:acc_1:tsk_1",
    ]
    assert use_op(CHAIN, "tsk_1") == "coupon:TEN:tsk_1"


@pytest.mark.parametrize(("completed", "captured"), [(True, 1), (False, 0)])
def test_a_task_ends_its_use_on_both_chains(completed: bool, captured: int) -> None:
    ends = uses_ended("TEN", "acc_1", "tsk_1", completed)

    assert set(ends) == {CHAIN, OF_ACCOUNT}
    assert {(end.amount, end.held, end.task_id) for end in ends.values()} == {(captured, 1, "tsk_1")}


@pytest.mark.parametrize(("uses", "available"), [(None, UNLIMITED_USES), (3, 3)])
def test_a_budget_is_what_may_be_used(uses: int | None, available: int) -> None:
    block, refused = make_block(CHAIN, Balance(), [budget(CHAIN, uses)], NOON)

    assert block is not None
    assert (block.balance.available, refused) == (available, {})


def test_more_uses_than_the_budget_are_refused() -> None:
    wanted = [budget(CHAIN, 1), use(CHAIN, "tsk_1"), use(CHAIN, "tsk_2")]

    block, refused = make_block(CHAIN, Balance(), wanted, NOON)

    assert block is not None
    assert block.balance == Balance(1, 0, 1, 0)
    assert {op: type(error) for op, error in refused.items()} == {"coupon:TEN:tsk_2": InsufficientBalance}


@given(
    acts=st.lists(st.sampled_from(["use", "end"]), max_size=40),
    sizes=st.lists(st.integers(1, 4), min_size=40, max_size=40),
)
def test_read_from_the_tail_a_chain_tells_which_uses_are_open(acts: list[str], sizes: list[int]) -> None:
    taken: list[str] = []
    still_open: list[str] = []
    entries: list[Entry] = [budget(CHAIN, None)]
    for number, act in enumerate(acts):
        if act == "use":
            taken.append(f"tsk_{number}")
            still_open.append(taken[-1])
            entries.append(use(CHAIN, taken[-1]))
        elif still_open:
            entries.append(use_ended(CHAIN, still_open.pop(number % len(still_open)), completed=True))
    blocks: list[Document] = []
    while entries:
        size = sizes[len(blocks)]
        blocks.append({"entries": [entry.to_document() for entry in entries[:size]]})
        entries = entries[size:]

    ended: set[str] = set()
    found = [task_id for block in reversed(blocks) for task_id in open_uses(block, ended)]

    assert sorted(found) == sorted(still_open)
    assert ended == set(taken) - set(still_open)
