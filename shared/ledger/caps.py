"""Spend caps: how much may be held and charged per day or month (UTC), by a key or a whole account. Pure.

The caps of an account and what has been counted so far stand in every block of its chain: so the block that
holds money is the one that decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from shared.ledger.refusals import SpendCapReached
from shared.money import usd_from_nano

MOST_CAPS: Final = 100
"""Of one account: they are copied into each of its blocks."""


class Per(StrEnum):
    """How long a cap lasts before it begins anew."""

    DAY = "day"
    MONTH = "month"


_FORMATS: Final = {Per.DAY: "%Y-%m-%d", Per.MONTH: "%Y-%m"}


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `limit` nano-USD in a period; `counted` of them are held or charged in the current one."""

    key_id: str | None
    """None: of the account, whatever its keys."""
    per: Per
    limit: int
    period: str
    """Such as 2026-11-20 or 2026-11."""
    counted: int = 0

    def to_document(self) -> dict[str, Any]:
        document = {
            "per": self.per.value,
            "limit": self.limit,
            "period": self.period,
            "counted": self.counted,
        }
        return document if self.key_id is None else {"key_id": self.key_id, **document}


Caps = tuple[Cap, ...]


def caps_of(documents: Iterable[Mapping[str, Any]]) -> Caps:
    """The caps as a block states them."""
    return tuple(
        Cap(one.get("key_id"), Per(one["per"]), one["limit"], one["period"], one["counted"])
        for one in documents
    )


def period_of(per: Per, at: datetime) -> str:
    """The period that a time lies in; later periods sort after earlier ones."""
    return at.strftime(_FORMATS[per])


def next_begin(per: Per, period: str) -> str:
    """When the period after one begins: `2026-11` is followed by `2026-12-01 00:00`."""
    start = datetime.strptime(period, _FORMATS[per])
    later = start + timedelta(days=1 if per is Per.DAY else 31)
    return f"{later.replace(day=1) if per is Per.MONTH else later:%Y-%m-%d %H:%M}"


def with_cap(caps: Caps, changed: Cap) -> Caps:
    """The caps with one put in the place of what there was for the same key and kind of period."""
    return (*without_cap(caps, changed.key_id, changed.per), changed)


def without_cap(caps: Caps, key_id: str | None, per: Per) -> Caps:
    """The caps but for one."""
    return tuple(cap for cap in caps if (cap.key_id, cap.per) != (key_id, per))


def count_hold(caps: Caps, key_id: str | None, amount: int, at: datetime) -> Caps:
    """The caps after a hold; what is free passes every cap. Raises SpendCapReached."""
    counted = []
    for cap in caps:
        if cap.key_id not in (None, key_id):
            counted.append(cap)
            continue
        period = period_of(cap.per, at)
        # A process whose clock is a little behind does not go back to the period before.
        current = cap if cap.period >= period else replace(cap, period=period, counted=0)
        if amount and current.counted + amount > current.limit:
            raise SpendCapReached(_reached(current))
        counted.append(replace(current, counted=current.counted + amount))
    return tuple(counted)


def count_release(caps: Caps, key_id: str | None, amount: int, held_at: datetime) -> Caps:
    """The caps after part of a hold was given back; it frees only what its own period has counted.

    `held_at` is a time before the hold came into the chain: what was taken just before a period's end frees
    nothing in the next one.
    """
    return tuple(
        replace(cap, counted=max(0, cap.counted - amount))
        if cap.key_id in (None, key_id) and cap.period == period_of(cap.per, held_at)
        else cap
        for cap in caps
    )


def _reached(cap: Cap) -> str:
    whose = "The account's" if cap.key_id is None else "This key's"
    return (
        f"{whose} spend cap of ${plain_usd(cap.limit)} a {cap.per} does not cover this request: "
        f"${plain_usd(cap.counted)} are spent or held in {cap.period}. "
        f"It opens again at {next_begin(cap.per, cap.period)} UTC"
    )


def plain_usd(nano: int) -> str:
    """Exact, with two decimals or as many as it takes."""
    whole, _, fraction = usd_from_nano(nano, 9).partition(".")
    return f"{whole}.{fraction.rstrip('0'):0<2}"
