"""What may be given back: never more than was captured, whatever is asked for and in which order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ledger.refunds import NotRefundable, amount_to_refund


@pytest.mark.parametrize(
    ("captured", "refunded", "wanted", "amount"),
    [(100, 0, None, 100), (100, 30, None, 70), (100, 0, 1, 1), (100, 30, 70, 70)],
)
def test_the_rest_or_the_part_that_is_asked_for_is_given_back(
    captured: int, refunded: int, wanted: int | None, amount: int
) -> None:
    assert amount_to_refund("gen_1", captured, refunded, wanted) == amount


@pytest.mark.parametrize(
    ("captured", "refunded", "wanted", "said"),
    [
        (0, 0, None, "gen_1 has cost nothing."),
        (
            1_000_000_000,
            1_000_000_000,
            None,
            "All of the $1.000000000 that gen_1 has cost has been given back.",
        ),
        (
            1_000_000_000,
            300_000_000,
            700_000_001,
            "$0.700000001 is more than what is left of gen_1: $0.700000000 of $1.000000000.",
        ),
        (100, 0, 0, "A refund is more than nothing."),
        (100, 0, -1, "A refund is more than nothing."),
    ],
)
def test_what_cannot_be_given_back_is_refused_with_what_is_left(
    captured: int, refunded: int, wanted: int | None, said: str
) -> None:
    with pytest.raises(NotRefundable) as refused:
        amount_to_refund("gen_1", captured, refunded, wanted)
    assert refused.value.message == said


@given(
    captured=st.integers(0, 1_000),
    asked=st.lists(st.one_of(st.none(), st.integers(-10, 1_000)), max_size=12),
)
def test_refunds_never_come_to_more_than_was_captured(captured: int, asked: list[int | None]) -> None:
    refunded = 0
    for wanted in asked:
        try:
            amount = amount_to_refund("gen_1", captured, refunded, wanted)
        except NotRefundable:
            assert captured == refunded or (wanted is not None and not 0 < wanted <= captured - refunded)
            continue
        assert amount > 0
        refunded += amount
        assert refunded <= captured
