"""Embeddings: unit vectors that depend on the text alone."""

from __future__ import annotations

import base64
import math
from array import array
from functools import lru_cache
from hashlib import shake_128

MOST_DIMENSIONS = 4096
_VALUES = tuple((byte - 127.5) / 127.5 for byte in range(256))


@lru_cache(maxsize=512)
def vector(text: str, dimensions: int) -> tuple[float, ...]:
    """The vector of a text; a shorter one is the beginning of a longer, brought to length one."""
    drawn = shake_128(text.encode("utf-8", "surrogatepass")).digest(dimensions)
    values = [_VALUES[byte] for byte in drawn]
    length = math.sqrt(math.fsum(value * value for value in values))
    return tuple(round(value / length, 7) for value in values)


@lru_cache(maxsize=512)
def packed(text: str, dimensions: int) -> str:
    """The same as base64 of little-endian 32-bit floats."""
    return base64.b64encode(array("f", vector(text, dimensions)).tobytes()).decode()
