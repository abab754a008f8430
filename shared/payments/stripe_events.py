"""Stripe's events as notices (docs.stripe.com/api/events/types). Pure.

Only what money needs is taken over: names, addresses and cards of the payers stay with Stripe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from shared.errors import HatcheryError
from shared.payments.notices import Notice, Said

Object = Mapping[str, Any]


class UnreadableEvent(HatcheryError):
    """The event is not as Stripe documents it"""

    code, status = "malformed_request", 400


def notices_of(event: Object) -> list[Notice]:
    """What an event says of top-ups; nothing for events of other kinds and payments for other things.

    Raises UnreadableEvent.
    """
    try:
        read = _READERS.get(event["type"])
        return read(event["type"], event["data"]["object"]) if read is not None else []
    except (KeyError, TypeError, AttributeError) as error:
        raise UnreadableEvent(f"The event lacks {error}") from error


_SESSION_EVENTS: Final = {
    "checkout.session.async_payment_succeeded": Said.PAID,
    "checkout.session.async_payment_failed": Said.FAILED,
    "checkout.session.expired": Said.EXPIRED,
}


def _session(event_type: str, session: Object) -> list[Notice]:
    """A session that names no top-up was made for something else."""
    topup_id = (session.get("metadata") or {}).get("topup_id")
    if topup_id is None:
        return []
    said = _SESSION_EVENTS.get(event_type, Said.PROCESSING)
    if session["payment_status"] == "paid" and said is Said.PROCESSING:
        said = Said.PAID
    if said is Said.PAID and session["payment_status"] != "paid":
        said = Said.PROCESSING
    payment = _payment(session)
    if said is Said.PAID and payment is None:
        raise UnreadableEvent("The session is paid and has no payment_intent")
    return [
        Notice(
            said,
            payment,
            topup_id=_text(topup_id),
            account_id=session.get("client_reference_id"),
            amount_cents=_cents(session["amount_total"]) if said is Said.PAID else None,
            currency=session.get("currency"),
        )
    ]


def _charge(event_type: str, charge: Object) -> list[Notice]:
    """`refunds` comes with old versions of the API only; newer ones tell of each in its own event."""
    payment, found = _payment(charge), list[Notice]()
    if payment is None:
        return []
    topup_id = (charge.get("metadata") or {}).get("topup_id")
    if topup_id is not None and charge.get("receipt_url"):
        receipt_url = _text(charge["receipt_url"])
        found.append(Notice(Said.RECEIPT, payment, topup_id=_text(topup_id), receipt_url=receipt_url))
    for refund in (charge.get("refunds") or {}).get("data", ()):
        found += _refund(event_type, {"payment_intent": payment, **refund})
    return found


def _refund(_: str, refund: Object) -> list[Notice]:
    """`pending`, `requires_action` and `succeeded` have all left our balance at Stripe."""
    payment = _payment(refund)
    undone = refund["status"] in {"failed", "canceled"}
    said = Said.REFUND_FAILED if undone else Said.REFUNDED
    return [] if payment is None else [_taken(said, payment, refund)]


def _dispute(event_type: str, dispute: Object) -> list[Notice]:
    """An inquiry (`warning_…`) takes no money; only one that is won or reinstated gives it back."""
    payment, status = _payment(dispute), _text(dispute["status"])
    if payment is None:
        return []
    if event_type.endswith("funds_reinstated") or (event_type.endswith("closed") and status == "won"):
        return [_taken(Said.DISPUTE_WON, payment, dispute)]
    if event_type.endswith("funds_withdrawn") or not status.startswith("warning"):
        return [_taken(Said.DISPUTED, payment, dispute)]
    return []


def _taken(said: Said, payment: str, taken: Object) -> Notice:
    return Notice(
        said,
        payment,
        subject=_text(taken["id"]),
        amount_cents=_cents(taken["amount"]),
        currency=_text(taken["currency"]),
    )


def _payment(thing: Object) -> str | None:
    payment = thing.get("payment_intent")
    return None if payment is None else _text(payment)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 2048:
        raise UnreadableEvent(f"{str(value)[:50]!r} is no text")
    return value


def _cents(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 10**12:
        raise UnreadableEvent(f"{str(value)[:50]!r} is no amount")
    return value


_READERS: Final[Mapping[str, Callable[[str, Object], list[Notice]]]] = {
    "checkout.session.completed": _session,
    "checkout.session.async_payment_succeeded": _session,
    "checkout.session.async_payment_failed": _session,
    "checkout.session.expired": _session,
    "charge.succeeded": _charge,
    "charge.updated": _charge,
    "charge.refunded": _charge,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.refund.updated": _refund,
    "charge.dispute.created": _dispute,
    "charge.dispute.funds_withdrawn": _dispute,
    "charge.dispute.funds_reinstated": _dispute,
    "charge.dispute.closed": _dispute,
}
