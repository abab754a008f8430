"""Top-ups as clients see them. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from shared.ledger.entry import EntryKind
from shared.money import usd_from_nano
from shared.payments.topup import Act, TopUp, TopUpState

_DECIMALS: Final = 9


def topup_body(topup: TopUp) -> dict[str, Any]:
    """A receipt, once it is paid."""
    waiting = topup.state is TopUpState.PENDING
    return {
        "id": topup.id,
        "status": topup.state.value,
        "amount_usd": usd_from_nano(topup.amount, _DECIMALS),
        "method": topup.method.value,
        "checkout_url": topup.checkout_url if waiting else None,
        "created_at": _time(topup.created_at),
        "paid_at": None if topup.paid_at is None else _time(topup.paid_at),
        "receipt_number": receipt_number(topup),
        "receipt_url": topup.receipt_url,
        "refunds": refunds_of(topup),
        "kept_usd": usd_from_nano(topup.kept, _DECIMALS),
    }


def receipt_number(topup: TopUp) -> str | None:
    """The day, and the end of the id, which is random: `20261120-4X1B8C5D7EF`."""
    if topup.paid_at is None:
        return None
    return f"{topup.paid_at:%Y%m%d}-{topup.id[-11:].upper()}"


def refunds_of(topup: TopUp) -> list[dict[str, Any]]:
    """What was taken back, and what of it came again."""
    returned = {
        act.subject.rpartition(":")[0]: act
        for act in topup.acts
        if act.kind is EntryKind.TOPUP and act.cause != "payment"
    }
    return [_refund(act, returned.get(act.subject)) for act in topup.acts if act.kind is EntryKind.REVERSAL]


def _refund(taken: Act, returned: Act | None) -> dict[str, Any]:
    return {
        "id": taken.subject,
        "kind": taken.cause,
        "amount_usd": usd_from_nano(taken.amount, _DECIMALS),
        "at": _time(taken.at),
        "returned_at": None if returned is None else _time(returned.at),
    }


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
