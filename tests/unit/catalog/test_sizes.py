"""Sizes of pictures as price tiers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.catalog.sizes import ORDER, below, tier_of

sides = st.integers(1, 10_000)


@pytest.mark.parametrize(
    ("width", "height", "tier"),
    [
        (512, 512, "512"),
        (688, 384, "512"),
        (1024, 1024, "1K"),
        (1536, 672, "1K"),
        (1536, 1024, "1K"),
        (2048, 2048, "2K"),
        (2752, 1536, "2K"),
        (3840, 2160, "4K"),
        (4096, 4096, "4K"),
        (5504, 3072, "4K"),
    ],
)
def test_the_number_of_pixels_decides(width: int, height: int, tier: str) -> None:
    assert tier_of(width, height) == tier == tier_of(height, width)


@given(width=sides, height=sides, more=st.integers(0, 5000))
def test_a_larger_picture_is_never_in_a_smaller_tier(width: int, height: int, more: int) -> None:
    assert tier_of(width + more, height) not in below(tier_of(width, height))


def test_only_known_tiers_have_smaller_ones() -> None:
    assert [below(tier) for tier in ORDER] == [(), ("512",), ("1K", "512"), ("2K", "1K", "512")]
    assert below(None) == below("1024x1024") == below("720p") == ()
