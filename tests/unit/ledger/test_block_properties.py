"""What holds for every chain, whatever is asked of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.ledger.block import Balance, make_block
from shared.ledger.entry import Entry, EntryKind, end, hold, topup
from shared.ledger.verify import check_block
from tests.unit.building import NOON

AMOUNTS = st.integers(min_value=-5, max_value=60)
TASKS = st.sampled_from([f"gen_{n}" for n in range(6)])
ENTRIES = st.one_of(
    st.builds(hold, TASKS, AMOUNTS, st.just("m")),
    st.builds(end, TASKS, AMOUNTS, AMOUNTS, st.just("m"), st.integers(0, 3)),
    st.builds(topup, st.uuids().map(str), AMOUNTS, st.just({})),
)
GROUPS = st.lists(st.lists(ENTRIES, max_size=8), max_size=8)


@given(groups=GROUPS)
def test_no_total_is_ever_negative_and_money_in_is_money_out_and_balances(groups: list[list[Entry]]) -> None:
    tail, topped_up = Balance(), 0
    for wanted in groups:
        block, _ = make_block("acc_1", tail, wanted, NOON)
        if block is None:
            continue
        tail = block.balance
        topped_up += sum(entry.amount for entry in block.entries if entry.kind is EntryKind.TOPUP)

        assert min(tail.available, tail.held, tail.spent) >= 0
        assert tail.available + tail.held + tail.spent == topped_up


@given(groups=GROUPS)
def test_every_wanted_entry_is_either_in_the_block_or_refused(groups: list[list[Entry]]) -> None:
    tail = Balance(available=50)
    for wanted in groups:
        block, refused = make_block("acc_1", tail, wanted, NOON)
        taken = {entry.op for entry in block.entries} if block else set()

        assert taken | refused.keys() == {entry.op for entry in wanted}
        tail = block.balance if block else tail


@given(groups=GROUPS)
def test_every_block_that_is_made_passes_the_check(groups: list[list[Entry]]) -> None:
    tail = Balance()
    for wanted in groups:
        block, _ = make_block("acc_1", tail, wanted, NOON)
        if block is not None:
            tail, found = check_block(tail, block.to_document())
            assert found == []
            assert tail == block.balance
