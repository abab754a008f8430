"""OpenAI's sizes in our words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.dialects.openai.sizes import parsed_size, shape_of


@pytest.mark.parametrize(
    ("size", "ratio", "resolution"),
    [
        ("auto", None, None),
        ("256x256", "1:1", "1K"),
        ("1024x1024", "1:1", "1K"),
        ("1536x1024", "3:2", "1K"),
        ("1024x1536", "2:3", "1K"),
        ("1792x1024", "16:9", "1K"),
        ("1024x1792", "9:16", "1K"),
        ("2048x2048", "1:1", "2K"),
        ("3840x2160", "16:9", "4K"),
        ("2560x1080", "21:9", "2K"),
        ("1000x64", "21:9", "1K"),
    ],
)
def test_a_size_is_the_nearest_ratio_and_a_resolution(
    size: str, ratio: str | None, resolution: str | None
) -> None:
    assert shape_of(size) == (ratio, resolution)


@pytest.mark.parametrize(
    "text", ["", "1024", "1024x", "x1024", "63x64", "8193x64", "01x64", "1024X1024", "٣x٤"]
)
def test_what_is_no_size_is_none(text: str) -> None:
    assert parsed_size(text) is None


@given(st.integers(64, 8192), st.integers(64, 8192))
def test_every_size_has_a_shape_that_turns_with_it(width: int, height: int) -> None:
    ratio, resolution = shape_of(f"{width}x{height}")
    turned, same = shape_of(f"{height}x{width}")

    assert ratio is not None
    assert turned is not None
    assert resolution == same
    if width > height * 1.3:
        across, _, down = ratio.partition(":")
        assert int(across) > int(down)
