"""Bodies as Stripe takes them: forms whose names say how things are nested."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl


def nested(body: bytes) -> dict[str, Any]:
    """`metadata[id]=1&items[0][quantity]=2` as objects; lists are objects by their numbers."""
    found: dict[str, Any] = {}
    for name, value in _pairs(body):
        *steps, last = [part.rstrip("]") for part in name.split("[")]
        place = found
        for step in steps:
            inner = place.setdefault(step, {})
            place = inner if isinstance(inner, dict) else {}
        place[last] = value
    return found


def _pairs(body: bytes) -> Iterable[tuple[str, str]]:
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
