"""What a block adds to usage, and adding usage up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.ledger.block import Balance, make_block
from shared.ledger.entry import end, hold, topup
from shared.ledger.usage import ModelUsage, merge, usage_of
from tests.unit.building import NOON

USAGE = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.builds(ModelUsage, *[st.integers(0, 1000) for _ in range(3)])
)


def test_only_ends_that_delivered_something_count_each_under_its_model() -> None:
    block, _ = make_block(
        "acc_1",
        Balance(available=100, held=100),
        [
            topup("pay_1", 7, {}),
            hold("gen_9", 30, "a"),
            end("gen_1", 20, 10, "a", 2),
            end("gen_2", 20, 5, "a", 1),
            end("gen_3", 20, 3, "b", 1),
            end("gen_4", 20, 0, "b", 0),
        ],
        NOON,
    )
    assert block is not None

    assert usage_of(block.to_document()) == {"a": ModelUsage(3, 15, 2), "b": ModelUsage(1, 3, 1)}


def test_a_free_image_is_usage_too() -> None:
    block, _ = make_block("acc_1", Balance(held=1), [end("gen_1", 0, 0, "a", 1)], NOON)
    assert block is not None

    assert usage_of(block.to_document()) == {"a": ModelUsage(1, 0, 1)}


def test_merging_adds_model_by_model() -> None:
    first = {"a": ModelUsage(1, 10, 1), "b": ModelUsage(2, 20, 2)}

    assert merge(first, {"b": ModelUsage(3, 30, 1), "c": ModelUsage(4, 40, 4)}) == {
        "a": ModelUsage(1, 10, 1),
        "b": ModelUsage(5, 50, 3),
        "c": ModelUsage(4, 40, 4),
    }


@given(one=USAGE, two=USAGE, three=USAGE)
def test_it_does_not_matter_in_which_order_usage_is_added_up(
    one: dict[str, ModelUsage], two: dict[str, ModelUsage], three: dict[str, ModelUsage]
) -> None:
    assert merge(merge(one, two), three) == merge(one, merge(two, three)) == merge(merge(three, one), two)


@given(one=USAGE)
def test_adding_nothing_changes_nothing(one: dict[str, ModelUsage]) -> None:
    assert merge(one, {}) == merge({}, one) == one
