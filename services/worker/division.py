"""How workers divide what a provider allows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.catalog.model import Limits

SILENT_AFTER = timedelta(seconds=10)
"""A worker that has not been heard of for so long is gone, and its part is free."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one worker has for itself. Nobody else may count on it."""

    concurrency: int
    """At least its attempts in hand, even if its fair part is smaller by now."""
    rate: float
    """Calls per second."""
    seen_at: datetime


def present(parts: Mapping[str, Part], now: datetime) -> dict[str, Part]:
    """The workers that are still there."""
    return {worker: part for worker, part in parts.items() if now - part.seen_at < SILENT_AFTER}


def fair_part(limits: Limits, parts: Mapping[str, Part], me: str, in_hand: int, now: datetime) -> Part:
    """What `me` may take now: an equal part, but no more than the others have left.

    `parts` are those of the workers present. A newcomer waits until the others have let go of theirs, so the
    sum of all parts never passes the limit, except for attempts that were in hand before.
    """
    workers = sorted({*parts, me})
    others = [part for worker, part in parts.items() if worker != me]
    concurrency, rate = 0, 0.0
    if limits.concurrency is not None:
        each, over = divmod(limits.concurrency, len(workers))
        mine = each + (1 if workers.index(me) < over else 0)
        left = limits.concurrency - sum(part.concurrency for part in others)
        concurrency = max(min(mine, left), 0)
    if limits.requests_per_second is not None:
        left_rate = limits.requests_per_second - sum(part.rate for part in others)
        rate = max(min(limits.requests_per_second / len(workers), left_rate), 0.0)
    return Part(max(concurrency, in_hand), rate, now)
