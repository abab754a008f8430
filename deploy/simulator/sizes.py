"""How many pixels an aspect ratio and a resolution ask for."""

from __future__ import annotations

import re

_AT_1K: dict[str, tuple[int, int]] = {
    "1:1": (1024, 1024),
    "5:4": (1152, 896),
    "4:3": (1184, 864),
    "3:2": (1248, 832),
    "16:9": (1344, 768),
    "21:9": (1536, 672),
    "4:1": (2048, 512),
    "8:1": (3072, 384),
}
_TALL = {":".join(reversed(ratio.split(":"))): (h, w) for ratio, (w, h) in _AT_1K.items()}
_BY_RATIO = {**_TALL, **_AT_1K, "auto": _AT_1K["1:1"]}
_FACTOR = {"512": 0.5, "768": 0.75, "1K": 1, "1.5K": 1.5, "2K": 2, "4K": 4}

RATIOS: tuple[str, ...] = tuple(_BY_RATIO)
RESOLUTIONS: tuple[str, ...] = ("1K", "2K", "4K")
ALL_RESOLUTIONS: tuple[str, ...] = tuple(_FACTOR)


def pixels(aspect_ratio: object, resolution: object) -> tuple[int, int]:
    """Width and height; whatever is in neither table means 1:1 and 1K."""
    width, height = _BY_RATIO.get(str(aspect_ratio), _BY_RATIO["auto"])
    factor = _FACTOR.get(str(resolution), 1)
    return int(width * factor), int(height * factor)


_LONGEST_SIDE = 4096
_WRITTEN = re.compile(r"(\d{2,4})x(\d{2,4})")


def written_size(text: object) -> tuple[int, int] | None:
    """Width and height of `1024x768`; None for anything else, also for what is too large."""
    found = _WRITTEN.fullmatch(str(text))
    size = (int(found[1]), int(found[2])) if found else (0, 0)
    return size if all(1 <= side <= _LONGEST_SIDE for side in size) else None
