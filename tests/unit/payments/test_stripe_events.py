"""Stripe's events as notices."""

from __future__ import annotations

from typing import Any

import pytest

from shared.payments.notices import Notice, Said
from shared.payments.stripe_events import UnreadableEvent, notices_of

SESSION: dict[str, Any] = {
    "id": "cs_1",
    "object": "checkout.session",
    "amount_total": 2500,
    "currency": "usd",
    "client_reference_id": "acc_1",
    "metadata": {"topup_id": "top_1"},
    "payment_intent": "pi_1",
    "payment_status": "paid",
    "customer_details": {"email": "anna@example.org"},
}
REFUND = {"id": "re_1", "amount": 500, "currency": "usd", "payment_intent": "pi_1", "status": "succeeded"}
DISPUTE = REFUND | {"id": "du_1", "status": "needs_response"}
CHARGE = {"payment_intent": "pi_1", "receipt_url": "https://r", "metadata": {"topup_id": "top_1"}}


def read(event_type: str, about: dict[str, Any], **changes: Any) -> list[Notice]:
    return notices_of({"id": "evt_1", "type": event_type, "data": {"object": {**about, **changes}}})


@pytest.mark.parametrize(
    ("event_type", "changes", "said"),
    [
        ("checkout.session.completed", {}, Said.PAID),
        ("checkout.session.completed", {"payment_status": "unpaid"}, Said.PROCESSING),
        ("checkout.session.async_payment_succeeded", {}, Said.PAID),
        ("checkout.session.async_payment_failed", {"payment_status": "unpaid"}, Said.FAILED),
        ("checkout.session.expired", {"payment_status": "unpaid"}, Said.EXPIRED),
    ],
)
def test_sessions_tell_of_their_top_ups(event_type: str, changes: dict[str, Any], said: Said) -> None:
    (notice,) = read(event_type, SESSION, **changes)
    cents = 2500 if said is Said.PAID else None
    assert notice == Notice(
        said, "pi_1", topup_id="top_1", account_id="acc_1", amount_cents=cents, currency="usd"
    )


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("pending", Said.REFUNDED),
        ("requires_action", Said.REFUNDED),
        ("succeeded", Said.REFUNDED),
        ("failed", Said.REFUND_FAILED),
        ("canceled", Said.REFUND_FAILED),
    ],
)
@pytest.mark.parametrize("event_type", ["refund.created", "refund.updated", "refund.failed"])
def test_refunds_are_told_by_their_status(event_type: str, status: str, said: Said) -> None:
    (notice,) = read(event_type, REFUND, status=status)
    assert notice == Notice(said, "pi_1", subject="re_1", amount_cents=500, currency="usd")


@pytest.mark.parametrize(
    ("event_type", "status", "said"),
    [
        ("created", "needs_response", Said.DISPUTED),
        ("created", "warning_needs_response", None),
        ("funds_withdrawn", "warning_under_review", Said.DISPUTED),
        ("funds_withdrawn", "under_review", Said.DISPUTED),
        ("closed", "lost", Said.DISPUTED),
        ("closed", "won", Said.DISPUTE_WON),
        ("closed", "warning_closed", None),
        ("funds_reinstated", "under_review", Said.DISPUTE_WON),
    ],
)
def test_disputes_take_money_and_bring_it_back(event_type: str, status: str, said: Said | None) -> None:
    found = read(f"charge.dispute.{event_type}", DISPUTE, status=status)
    assert [(notice.said, notice.subject) for notice in found] == ([] if said is None else [(said, "du_1")])


def test_a_charge_brings_its_receipt_and_in_old_versions_its_refunds() -> None:
    refunds = {"data": [{"id": "re_1", "amount": 500, "currency": "usd", "status": "succeeded"}]}
    receipt, refund = read("charge.refunded", CHARGE, refunds=refunds)
    assert receipt == Notice(Said.RECEIPT, "pi_1", topup_id="top_1", receipt_url="https://r")
    assert (refund.said, refund.payment, refund.amount_cents) == (Said.REFUNDED, "pi_1", 500)


@pytest.mark.parametrize(
    ("event_type", "about"),
    [
        ("customer.created", {"id": "cus_1"}),
        ("checkout.session.completed", SESSION | {"metadata": {}}),
        ("checkout.session.completed", SESSION | {"metadata": None}),
        ("refund.created", REFUND | {"payment_intent": None}),
        ("charge.succeeded", {"payment_intent": None}),
        ("charge.dispute.created", DISPUTE | {"payment_intent": None}),
    ],
)
def test_what_is_not_of_top_ups_says_nothing(event_type: str, about: dict[str, Any]) -> None:
    assert read(event_type, about) == []


@pytest.mark.parametrize(
    ("event_type", "about"),
    [
        ("checkout.session.completed", SESSION | {"amount_total": "2500"}),
        ("checkout.session.completed", SESSION | {"amount_total": True}),
        ("checkout.session.completed", SESSION | {"amount_total": -1}),
        ("checkout.session.completed", SESSION | {"payment_intent": None}),
        ("checkout.session.completed", {"metadata": {"topup_id": "top_1"}}),
        ("checkout.session.completed", SESSION | {"metadata": "top_1"}),
        ("refund.created", REFUND | {"amount": None}),
        ("refund.created", REFUND | {"id": 7}),
    ],
)
def test_what_is_not_as_documented_is_refused(event_type: str, about: dict[str, Any]) -> None:
    with pytest.raises(UnreadableEvent):
        read(event_type, about)


@pytest.mark.parametrize("event", [{}, {"type": "refund.created"}, {"type": "refund.created", "data": 1}])
def test_an_event_without_an_object_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(UnreadableEvent):
        notices_of(event)


def test_a_notice_is_read_as_it_was_written_and_names_no_payer() -> None:
    (notice,) = read("checkout.session.completed", SESSION)
    assert Notice.from_document(notice.to_document()) == notice
    assert "anna@example.org" not in str(notice.to_document())
