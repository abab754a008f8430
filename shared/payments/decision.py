"""What a notice makes of a top-up. Pure: the ledger follows what is decided here.

Nothing is credited but the very amount that was asked for; nothing more is taken back than was credited.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from shared.ledger.entry import EntryKind
from shared.payments.notices import Notice, Said
from shared.payments.topup import Act, TopUp, TopUpState

NANO_PER_CENT: Final = 10_000_000
CURRENCY: Final = "usd"
_UNPAID: Final = {
    Said.PROCESSING: (TopUpState.PROCESSING, {TopUpState.PENDING}),
    Said.FAILED: (TopUpState.FAILED, {TopUpState.PENDING, TopUpState.PROCESSING}),
    Said.EXPIRED: (TopUpState.EXPIRED, {TopUpState.PENDING}),
}
"""The new state, and the states that it may follow: events come in any order."""
_REVERSALS: Final = {
    Said.REFUNDED: ("refund", None),
    Said.REFUND_FAILED: ("refund", "failed"),
    Said.DISPUTED: ("dispute", None),
    Said.DISPUTE_WON: ("dispute", "won"),
}
"""What takes the money, and the end after which it comes back."""


def after(topup: TopUp, notice: Notice, at: datetime) -> TopUp:
    """The top-up after a notice; itself for one that says nothing new."""
    if notice.said is Said.PAID:
        return _paid(topup, notice, at)
    if notice.said is Said.RECEIPT:
        return replace(topup, receipt_url=notice.receipt_url)
    if notice.said in _UNPAID:
        state, before = _UNPAID[notice.said]
        return replace(topup, state=state) if topup.state in before else topup
    if notice.payment != topup.payment:
        # Of a payment that was never credited.
        return topup
    cause, ending = _REVERSALS[notice.said]
    taken = _taken_back(topup, notice, cause, at)
    return taken if ending is None else _given_back(taken, notice, cause, ending, at)


def _paid(topup: TopUp, notice: Notice, at: datetime) -> TopUp:
    payment = notice.payment or ""
    if payment in topup.payments:
        return topup
    wrong = _mismatch(topup, notice)
    if wrong is not None:
        return replace(
            topup.with_problem(f"Payment {payment} was not credited: {wrong}"),
            payments=(*topup.payments, payment),
        )
    return topup.paid(payment, at)


def _mismatch(topup: TopUp, notice: Notice) -> str | None:
    asked = f"{topup.amount // NANO_PER_CENT} cents in {CURRENCY}"
    given = f"{notice.amount_cents} cents in {notice.currency}"
    if topup.payment is not None:
        return f"the top-up is paid by {topup.payment}"
    if notice.account_id != topup.account_id:
        return f"it is for account {notice.account_id}, not {topup.account_id}"
    return None if given == asked else f"it is of {given}, not {asked}"


def _taken_back(topup: TopUp, notice: Notice, cause: str, at: datetime) -> TopUp:
    op = f"reversal:{notice.subject}"
    if topup.has(op):
        return topup
    if notice.currency != CURRENCY:
        return topup.with_problem(f"{notice.subject} is in {notice.currency}: nothing was taken back")
    asked = (notice.amount_cents or 0) * NANO_PER_CENT
    amount = min(asked, topup.kept)
    if amount < asked:
        topup = topup.with_problem(
            f"{notice.subject} takes {asked // NANO_PER_CENT} cents, "
            f"of which only {amount // NANO_PER_CENT} were left of the payment"
        )
    return topup.with_act(Act(op, EntryKind.REVERSAL, amount, at, cause))


def _given_back(topup: TopUp, notice: Notice, cause: str, ending: str, at: datetime) -> TopUp:
    """What was taken, once. Where it is told of the end first, both are noted: the beginning may yet come."""
    op, taken = f"topup:{notice.subject}:{ending}", topup.act(f"reversal:{notice.subject}")
    if taken is None or topup.has(op):
        return topup
    return topup.with_act(Act(op, EntryKind.TOPUP, taken.amount, at, cause))
