"""What holds for every chain, whatever is asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import bson
from bson.codec_options import CodecOptions
from hypothesis import given
from hypothesis import strategies as st

from shared.ledger.block import Balance, Block, make_block
from shared.ledger.caps import Cap, Per, period_of
from shared.ledger.entry import (
    Entry,
    EntryKind,
    adjust,
    cap_removed,
    cap_set,
    end,
    hold,
    refund,
    reversal,
    topup,
)
from shared.ledger.limits import counted_in
from shared.ledger.proof.blocks import check_block
from shared.mongo import Document

START = datetime(2026, 2, 28, 22, tzinfo=UTC)
AMOUNTS = st.integers(min_value=-5, max_value=60)
MONEY = st.integers(min_value=0, max_value=400)
TASKS = st.sampled_from([f"gen_{n}" for n in range(6)])
KEYS = st.sampled_from([None, "key_1", "key_2"])
TIMES = st.integers(0, 50).map(lambda hours: START + timedelta(hours=hours))
NAMES = st.uuids().map(str)
CAPS = st.builds(
    lambda key_id, per, limit, at, counted: Cap(key_id, per, limit, period_of(per, at), counted),
    *(KEYS, st.sampled_from(Per), MONEY, TIMES, AMOUNTS),
)
ENTRIES = st.one_of(
    st.builds(hold, TASKS, AMOUNTS, st.just("m"), KEYS),
    st.builds(end, TASKS, AMOUNTS, AMOUNTS, st.just("m"), st.integers(0, 3), KEYS, st.none() | TIMES),
    st.builds(topup, NAMES, MONEY, st.just({})),
    st.builds(refund, TASKS, st.integers(1, 9), AMOUNTS, st.just("m"), KEYS, st.just("ops"), st.just("why")),
    st.builds(adjust, NAMES, st.integers(-60, 60), st.just("ops"), st.just("why")),
    st.builds(reversal, NAMES, MONEY, st.just({})),
    st.builds(cap_set, NAMES, CAPS, st.integers(0, 4), st.just("ops")),
    st.builds(cap_removed, NAMES, CAPS, st.just("ops")),
)
GROUPS = st.lists(st.tuples(st.lists(ENTRIES, max_size=5), TIMES), max_size=6)
Groups = Sequence[tuple[list[Entry], datetime]]


def chain(groups: Groups, tail: Balance | None = None) -> list[Block]:
    """The blocks that come of it."""
    tail, blocks = tail or Balance(), []
    for wanted, at in groups:
        block, _ = make_block("acc_1", tail, wanted, at)
        if block is not None:
            blocks.append(block)
            tail = block.balance
    return blocks


def stored(block: Block) -> Document:
    """As the database gives it back."""
    return bson.decode(bson.encode(block.to_document()), CodecOptions(tz_aware=True))


def money_in(block: Block) -> int:
    signs = {EntryKind.TOPUP: 1, EntryKind.ADJUST: 1, EntryKind.REVERSAL: -1}
    return sum(signs.get(entry.kind, 0) * entry.amount for entry in block.entries)


@given(groups=GROUPS)
def test_no_total_is_ever_negative_and_money_in_is_money_out_and_balances(groups: Groups) -> None:
    came_in = 0
    for block in chain(groups):
        tail = block.balance
        came_in += money_in(block)

        assert min(tail.available, tail.held, tail.spent, tail.owed) >= 0
        assert tail.available + tail.held + tail.spent - tail.owed == came_in


@given(groups=GROUPS)
def test_nobody_has_money_and_debts(groups: Groups) -> None:
    assert all(0 in (block.balance.available, block.balance.owed) for block in chain(groups))


@given(groups=GROUPS)
def test_every_wanted_entry_is_either_in_the_block_or_refused(groups: Groups) -> None:
    tail = Balance(available=50)
    for wanted, at in groups:
        block, refused = make_block("acc_1", tail, wanted, at)
        taken = {entry.op for entry in block.entries} if block else set()

        assert taken | refused.keys() == {entry.op for entry in wanted}
        tail = block.balance if block else tail


@given(groups=GROUPS)
def test_every_block_that_is_made_passes_the_check_when_it_is_read_again(groups: Groups) -> None:
    tail = Balance()
    for block in chain(groups):
        tail, _, found = check_block(tail, stored(block))

        assert found == []
        assert tail == block.balance


@given(groups=GROUPS)
def test_each_kind_of_cap_stands_once_and_counts_nothing_negative(groups: Groups) -> None:
    for block in chain(groups):
        caps = block.balance.caps

        assert len({(cap.key_id, cap.per) for cap in caps}) == len(caps)
        assert all(cap.counted >= 0 for cap in caps)


SPENDING = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 30), KEYS, st.floats(0, 1), st.integers(0, 60)), max_size=12
)
"""Per task: the hour it is held in, its hold, its key, the part captured, hours until its end."""


@given(tasks=SPENDING, limit=MONEY, key=KEYS, per=st.sampled_from(Per))
def test_a_cap_counts_what_the_chain_says_of_its_period_and_is_never_exceeded(
    tasks: list[tuple[int, int, str | None, float, int]], limit: int, key: str | None, per: Per
) -> None:
    cap = Cap(key, per, limit, period_of(per, START))
    tail = Balance(available=10**6, caps=(cap,))
    blocks: list[Document] = []
    refused: set[str | None] = set()
    for at, entry in sorted(acts(tasks), key=lambda act: act[0]):
        if entry.task_id in refused:
            continue
        block, _ = make_block("acc_1", tail, [entry], at)
        if block is None:
            refused.add(entry.task_id)
            continue
        tail = block.balance
        blocks.append(stored(block))
        (now,) = tail.caps

        assert now.counted <= limit
        assert now.counted == sum(counted_in(one, key, per, now.period) for one in blocks)


def acts(tasks: list[tuple[int, int, str | None, float, int]]) -> list[tuple[datetime, Entry]]:
    """Their holds and ends, with their times."""
    found = []
    for number, (hour, amount, key_id, part, lasts) in enumerate(tasks):
        held_at = START + timedelta(hours=hour)
        ended = end(f"gen_{number}", amount, int(amount * part), "m", 1, key_id, held_at)
        found.append((held_at, hold(f"gen_{number}", amount, "m", key_id)))
        found.append((held_at + timedelta(hours=lasts), ended))
    return found
