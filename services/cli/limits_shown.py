"""How commands show spend caps and thresholds."""

from __future__ import annotations

from typing import Any

from shared.accounts.thresholds import Thresholds
from shared.ledger.caps import Caps, plain_usd
from shared.money import usd_from_nano


def caps_plain(caps: Caps) -> list[dict[str, Any]]:
    """For programs."""
    return [
        {
            "key_id": cap.key_id,
            "per": cap.per,
            "limit_usd": usd_from_nano(cap.limit, 9),
            "counted_usd": usd_from_nano(cap.counted, 9),
            "period": cap.period,
        }
        for cap in caps
    ]


def caps_text(caps: Caps) -> list[str]:
    """One line each."""
    return [
        f"{cap.key_id or 'account'}: ${plain_usd(cap.limit)} a {cap.per}, "
        f"${plain_usd(cap.counted)} spent or held in {cap.period}"
        for cap in caps
    ]


def thresholds_plain(thresholds: Thresholds) -> dict[str, Any] | None:
    """For programs; null without any."""
    if thresholds == Thresholds():
        return None
    low = thresholds.low_balance_nano
    return {
        "low_balance_usd": None if low is None else usd_from_nano(low, 9),
        "usage_usd": [usd_from_nano(one, 9) for one in thresholds.usage_nano],
    }


def thresholds_text(thresholds: Thresholds) -> str:
    """One line."""
    parts = []
    if thresholds.low_balance_nano is not None:
        parts.append(f"a balance below ${plain_usd(thresholds.low_balance_nano)}")
    if thresholds.usage_nano:
        steps = ", ".join(f"${plain_usd(one)}" for one in thresholds.usage_nano)
        parts.append(f"a month's usage of {steps}")
    return f"told of {' and '.join(parts)}" if parts else "told of nothing"
