"""The words that a catalog may use for sizes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from shared.providers.capabilities import Kind

RESOLUTIONS: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.IMAGE: ("512", "1K", "2K", "4K"),
    Kind.VIDEO: ("480p", "720p", "1080p", "4K"),
    Kind.CHAT: (),
    Kind.EMBEDDING: (),
}
QUALITIES: Final = ("low", "medium", "high")
MODEL_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}")
RATIO: Final = re.compile(r"[1-9]\d?:[1-9]\d?")


def either(words: Iterable[str]) -> str:
    """`one, two or three`."""
    *others, last = list(words) or ["nothing"]
    return f"{', '.join(others)} or {last}" if others else last
