"""How many pixels an aspect ratio and a resolution ask for."""

from __future__ import annotations

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
_FACTOR = {"1K": 1, "2K": 2, "4K": 4}

RATIOS: tuple[str, ...] = tuple(_BY_RATIO)
RESOLUTIONS: tuple[str, ...] = tuple(_FACTOR)


def pixels(aspect_ratio: object, resolution: object) -> tuple[int, int]:
    """Width and height; whatever is in neither table means 1:1 and 1K."""
    width, height = _BY_RATIO.get(str(aspect_ratio), _BY_RATIO["auto"])
    factor = _FACTOR.get(str(resolution), 1)
    return width * factor, height * factor
