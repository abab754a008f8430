"""Which thresholds a block crosses. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from ulid import ULID

from shared.account_events import AccountEvent, AccountEventType
from shared.accounts.thresholds import Thresholds, Watch, captured_in
from shared.ids import Prefix
from shared.ledger.caps import Per, period_of
from shared.money import usd_from_nano


def follow(
    account_id: str, thresholds: Thresholds, watch: Watch, block: Mapping[str, Any]
) -> tuple[Watch, list[AccountEvent]]:
    """The watch after the next block of its chain, and an event for each threshold that the block crosses."""
    # A process whose clock is a little behind does not go back to the month before.
    month = max(watch.month, period_of(Per.MONTH, block["at"]))
    before = watch.captured_nano if month == watch.month else 0
    after = Watch(block["seq"], block["available"], month, before + captured_in(block))
    balance, events = _usd(after.available_nano), []
    low = thresholds.low_balance_nano
    if low is not None and after.available_nano < low <= watch.available_nano:
        data = {"threshold_usd": _usd(low), "balance_usd": balance}
        events.append(_event(account_id, AccountEventType.BALANCE_LOW, str(after.seq), data, block))
    for threshold in thresholds.usage_nano:
        if before < threshold <= after.captured_nano:
            data = {
                "threshold_usd": _usd(threshold),
                "usage_usd": _usd(after.captured_nano),
                "period": month,
                "balance_usd": balance,
            }
            # Not by its seq: whatever becomes of the watch, a month's threshold is told once.
            cause = f"{month}:{threshold}"
            events.append(_event(account_id, AccountEventType.USAGE_THRESHOLD, cause, data, block))
    return after, events


def _event(
    account_id: str, kind: AccountEventType, cause: str, data: Mapping[str, str], block: Mapping[str, Any]
) -> AccountEvent:
    """Its id follows from its cause, with the block's time in front, so that ids grow with time."""
    milliseconds = int(block["at"].timestamp() * 1000).to_bytes(6)
    digest = sha256(f"{account_id}:{kind}:{cause}".encode()).digest()
    ulid = ULID.from_bytes(milliseconds + digest[:10])
    return AccountEvent(f"{Prefix.EVENT}_{str(ulid).lower()}", account_id, kind, data, block["at"])


def _usd(nano: int) -> str:
    return usd_from_nano(nano, 9)
