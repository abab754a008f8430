"""OpenAI's sizes, such as 1536x1024, as an aspect ratio and a resolution. Pure."""

from __future__ import annotations

import re
from math import log
from typing import Final

from shared.catalog.sizes import tier_of

_SIZE: Final = re.compile(r"([1-9]\d{1,3})x([1-9]\d{1,3})")
_RATIOS: Final = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
"""Those that every image model of ours can be asked for."""
_SMALLEST, _LARGEST = 64, 8192


def parsed_size(text: str) -> tuple[int, int] | None:
    """Width and height, or None for what is no size."""
    found = _SIZE.fullmatch(text)
    if found is None:
        return None
    width, height = int(found[1]), int(found[2])
    inside = all(_SMALLEST <= side <= _LARGEST for side in (width, height))
    return (width, height) if inside else None


def shape_of(size: str) -> tuple[str | None, str | None]:
    """The nearest aspect ratio and the resolution, 1K, 2K or 4K; neither for `auto`."""
    parsed = parsed_size(size)
    if parsed is None:
        return None, None
    width, height = parsed
    tier = tier_of(width, height)
    return min(_RATIOS, key=lambda ratio: _distance(ratio, width / height)), "1K" if tier == "512" else tier


def _distance(ratio: str, wanted: float) -> float:
    across, _, down = ratio.partition(":")
    return abs(log(int(across) / int(down) / wanted))
