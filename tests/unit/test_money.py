"""Money between text and nano-USD, exact in both directions."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.money import nano_from_usd, usd_from_nano

INT64 = st.integers(min_value=-(2**63), max_value=2**63 - 1)


@pytest.mark.parametrize(
    ("text", "nano"),
    [
        ("0", 0),
        ("0.0100", 10_000_000),
        ("0.0160", 16_000_000),
        ("12.50", 12_500_000_000),
        ("0.000000001", 1),
        ("-0.5", -500_000_000),
        ("1e2", 100_000_000_000),
        ("9223372036.854775807", 2**63 - 1),
        (Decimal("3.25"), 3_250_000_000),
    ],
)
def test_an_amount_becomes_its_exact_number_of_nano_usd(text: str, nano: int) -> None:
    assert nano_from_usd(text) == nano


@pytest.mark.parametrize("text", ["", "ten", "1,50", "$1", "0x10", "1.2.3"])
def test_text_that_is_no_number_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not an amount in USD, such as 12\.50"):
        nano_from_usd(text)


@pytest.mark.parametrize(
    "text",
    ["0.0000000001", "1.0000000005", "1." + "0" * 40 + "1", "12345678901234567890.1234567891"],
)
def test_more_than_nine_decimals_are_refused_and_never_rounded_away(text: str) -> None:
    with pytest.raises(ValueError, match="more than nine decimals"):
        nano_from_usd(text)


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity", "1e999999", "1e400000"])
def test_what_is_no_finite_amount_is_a_value_error_too(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        nano_from_usd(text)


@pytest.mark.parametrize(
    ("nano", "decimals", "text"),
    [
        (16_000_000, 4, "0.0160"),
        (0, 2, "0.00"),
        (12_345_678_901, 0, "12"),
        (12_500_000_000, 0, "13"),
        (49_999, 4, "0.0000"),
        (50_000, 4, "0.0001"),
        (-50_000, 4, "-0.0001"),
        (-1_500_000_000, 1, "-1.5"),
        (999_999_999, 2, "1.00"),
        (1, 9, "0.000000001"),
    ],
)
def test_nano_usd_become_a_plain_decimal_rounded_half_up(nano: int, decimals: int, text: str) -> None:
    assert usd_from_nano(nano, decimals) == text


@given(nano=INT64)
def test_nine_decimals_lose_nothing_on_the_way_out_and_back(nano: int) -> None:
    assert nano_from_usd(usd_from_nano(nano, 9)) == nano


@given(nano=INT64, decimals=st.integers(min_value=0, max_value=9))
def test_rounding_is_never_off_by_more_than_half_a_unit(nano: int, decimals: int) -> None:
    shown = nano_from_usd(usd_from_nano(nano, decimals))

    assert 2 * abs(shown - nano) <= 10 ** (9 - decimals)
