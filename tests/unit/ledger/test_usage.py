"""What a block adds to usage, and adding usage up."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ledger.block import Balance, make_block
from shared.ledger.entry import Entry, adjust, end, hold, refund, reversal, topup
from shared.ledger.usage_rows import (
    BySource,
    Group,
    Usage,
    UsageQuery,
    add,
    day_of,
    rows_of,
    totals_of,
    usage_of,
)
from tests.unit.building import NOON

USAGE = st.dictionaries(
    st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["", "k1", "k2"])),
    st.builds(Usage, *[st.integers(0, 1000) for _ in range(4)]),
)


def usage_in(*entries: Entry) -> BySource:
    block, refused = make_block("acc_1", Balance(available=100, held=100, spent=100), entries, NOON)
    assert block is not None
    assert not refused
    return usage_of(block.to_document())


def test_ends_count_each_under_its_model_and_key() -> None:
    assert usage_in(
        topup("pay_1", 7, {}),
        hold("gen_9", 30, "a", "k1"),
        end("gen_1", 20, 10, "a", 2, "k1"),
        end("gen_2", 20, 5, "a", 1, "k1"),
        end("gen_3", 20, 3, "a", 1, "k2"),
        end("gen_4", 20, 3, "b", 1),
        end("gen_5", 20, 0, "b", 0),
        adjust("adj_1", -1, "ops", "a mistake"),
        reversal("pay_1", 1, {}),
    ) == {("a", "k1"): Usage(3, 15, 2), ("a", "k2"): Usage(1, 3, 1), ("b", ""): Usage(1, 3, 1)}


def test_a_free_image_is_usage_and_so_is_a_charge_for_no_unit() -> None:
    assert usage_in(end("gen_1", 0, 0, "a", 1), end("gen_2", 5, 5, "b", 0)) == {
        ("a", ""): Usage(1, 0, 1),
        ("b", ""): Usage(0, 5, 1),
    }


def test_refunds_count_apart() -> None:
    usage = usage_in(end("gen_1", 20, 20, "a", 1, "k1"), refund("gen_0", 1, 30, "a", "k1", "ops", "blurred"))

    assert usage == {("a", "k1"): Usage(1, 20, 1, 30)}
    assert usage["a", "k1"].net_nano == -10


@given(one=USAGE, two=USAGE)
def test_adding_up_loses_nothing(one: BySource, two: BySource) -> None:
    totals = dict(one)
    add(totals, two)

    for source in one.keys() | two.keys():
        assert totals[source] == one.get(source, Usage()).plus(two.get(source, Usage()))
    assert totals.keys() == one.keys() | two.keys()


@given(usage=USAGE)
def test_rows_keep_everything(usage: BySource) -> None:
    assert totals_of(rows_of(usage)) == usage


@pytest.mark.parametrize("by", list(Group))
@given(usage=USAGE)
def test_every_way_of_grouping_comes_to_the_same(by: Group, usage: BySource) -> None:
    totals: dict[str, Usage] = {}
    UsageQuery(by).add(totals, "2026-11-20", usage)

    assert sum(one.net_nano for one in totals.values()) == sum(one.net_nano for one in usage.values())


@pytest.mark.parametrize(
    ("since", "until", "covered"),
    [
        (None, None, True),
        (date(2026, 11, 20), None, True),
        (date(2026, 11, 21), None, False),
        (None, date(2026, 11, 20), False),
        (None, date(2026, 11, 21), True),
        (date(2026, 11, 20), date(2026, 11, 21), True),
    ],
)
def test_a_query_begins_with_its_first_day_and_ends_before_its_last(
    since: date | None, until: date | None, covered: bool
) -> None:
    assert UsageQuery(since=since, until=until).covers("2026-11-20") is covered


def test_a_block_counts_on_the_day_it_was_made() -> None:
    assert day_of({"at": NOON}) == "2026-03-14"
