"""What the pretended Stripe knows: payment pages, payments, refunds, disputes."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

Document = dict[str, Any]
_DAY_SECONDS = 24 * 3600


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"


class StripeProblem(Exception):
    """What Stripe answers with 4xx."""

    def __init__(self, status: int, message: str, kind: str = "invalid_request_error") -> None:
        super().__init__(message)
        self.status, self.message, self.kind = status, message, kind


@dataclass(slots=True)
class StripeBook:
    """Everything by its id; gone with the process."""

    sessions: dict[str, Document] = field(default_factory=dict)
    charges: dict[str, Document] = field(default_factory=dict)
    """By the payment that they belong to."""
    refunds: dict[str, Document] = field(default_factory=dict)
    disputes: dict[str, Document] = field(default_factory=dict)
    answered: dict[str, tuple[Document, Document]] = field(default_factory=dict)
    """Requests and answers by their Idempotency-Key."""

    def open(self, asked: Document, origin: str) -> Document:
        """A payment page (docs.stripe.com/api/checkout/sessions/object)."""
        if asked.get("mode") != "payment":
            raise StripeProblem(400, "mode: only payment is played here")
        if "success_url" not in asked:
            raise StripeProblem(400, "Missing required param: success_url.")
        amount, currency = _total(asked.get("line_items"))
        session_id, now = new_id("cs_test"), int(time.time())
        session = {
            "id": session_id,
            "object": "checkout.session",
            "amount_subtotal": amount,
            "amount_total": amount,
            "currency": currency,
            "client_reference_id": asked.get("client_reference_id"),
            "metadata": asked.get("metadata", {}),
            "mode": "payment",
            "status": "open",
            "payment_status": "unpaid",
            "payment_intent": None,
            "success_url": asked["success_url"],
            "cancel_url": asked.get("cancel_url"),
            "url": f"{origin}/stripe/pay/{session_id}",
            "created": now,
            "expires_at": now + _DAY_SECONDS,
            "livemode": False,
        }
        self.sessions[session_id] = session
        return session

    def session(self, session_id: str) -> Document:
        if session_id not in self.sessions:
            raise StripeProblem(404, f"No such checkout.session: '{session_id}'")
        return self.sessions[session_id]

    def charge_of(self, payment: str) -> Document:
        if payment not in self.charges:
            raise StripeProblem(404, f"No such payment_intent: '{payment}'")
        return self.charges[payment]

    def complete(self, session: Document, *, paid: bool) -> None:
        """The customer has done his part; a payment that is not there yet comes later, or fails."""
        if session["status"] != "open":
            raise StripeProblem(400, f"The session is {session['status']}")
        session |= {"status": "complete", "payment_intent": new_id("pi"), "url": None}
        if paid:
            self.charge(session)

    def charge(self, session: Document, amount: int | None = None) -> Document:
        """The money has come, perhaps another amount than was asked for."""
        if amount is not None:
            session["amount_total"] = amount
        session["payment_status"] = "paid"
        charge = {
            "id": new_id("ch"),
            "object": "charge",
            "amount": session["amount_total"],
            "amount_refunded": 0,
            "currency": session["currency"],
            "metadata": session["metadata"],
            "payment_intent": session["payment_intent"],
            "receipt_url": f"https://pay.stripe.example/receipts/{session['payment_intent']}",
            "refunded": False,
            "status": "succeeded",
        }
        self.charges[session["payment_intent"]] = charge
        return charge

    def refund(self, payment: str, amount: int | None, status: str) -> Document:
        """Of a payment, or what is left of it."""
        charge = self.charge_of(payment)
        left = charge["amount"] - charge["amount_refunded"]
        amount = left if amount is None else amount
        if not 0 < amount <= left:
            raise StripeProblem(400, f"Refund amount ({amount}) is greater than unrefunded amount ({left})")
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        refund: Document = {"id": new_id("re"), "object": "refund", "amount": amount, "status": status}
        refund |= {name: charge[name] for name in ("currency", "payment_intent")} | {"charge": charge["id"]}
        self.refunds[refund["id"]] = refund
        return refund

    def fail_refund(self, refund_id: str) -> Document:
        """The bank did not take it: the money is back with the merchant."""
        if refund_id not in self.refunds:
            raise StripeProblem(404, f"No such refund: '{refund_id}'")
        refund = self.refunds[refund_id]
        if refund["status"] == "failed":
            raise StripeProblem(400, "The refund has failed already")
        refund["status"] = "failed"
        self.charges[refund["payment_intent"]]["amount_refunded"] -= refund["amount"]
        return refund

    def dispute(self, payment: str, amount: int | None, status: str) -> Document:
        charge = self.charge_of(payment)
        amount = charge["amount"] if amount is None else amount
        dispute: Document = {"id": new_id("du"), "object": "dispute", "amount": amount, "status": status}
        dispute |= {name: charge[name] for name in ("currency", "payment_intent")} | {"charge": charge["id"]}
        self.disputes[dispute["id"]] = dispute
        return dispute

    def close_dispute(self, dispute_id: str, status: str) -> Document:
        if dispute_id not in self.disputes:
            raise StripeProblem(404, f"No such dispute: '{dispute_id}'")
        self.disputes[dispute_id]["status"] = status
        return self.disputes[dispute_id]


def _total(items: object) -> tuple[int, str]:
    if not isinstance(items, dict) or not items:
        raise StripeProblem(400, "Missing required param: line_items.")
    try:
        amounts = [
            int(one["price_data"]["unit_amount"]) * int(one.get("quantity", 1)) for one in items.values()
        ]
        currencies = {one["price_data"]["currency"] for one in items.values()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StripeProblem(400, f"line_items: {error}") from error
    if len(currencies) != 1 or sum(amounts) < 50:
        raise StripeProblem(400, "The total is less than 50 cents, or in several currencies")
    return sum(amounts), currencies.pop()
