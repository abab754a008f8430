"""Paying in."""

from __future__ import annotations

from typing import Any, Final

from services.api.errors import InvalidField
from services.api.reference.model import Answer, Content, Operation, Problem
from services.api.reference.parameters import path, query
from services.api.reference.schema import Schema, listing, or_null, record, ref, request, text, whole
from services.api.scopes import Scope
from services.api.topups.checkout import PaymentPageUnavailable, TopUpsNotConfigured
from services.api.topups.endpoints import DEFAULT_PAGE_SIZE, MOST_PAGE_SIZE, TopUpNotFound
from shared.payments.redemption import CodeRefused

TOPUP_ID: Final = "^top_[0-9a-z]{26}$"
_ID: Final = "top_01k6x0v7w3h2m9q4x1b8c5d7ef"
_USD: Final = "USD with nine decimals."
_PENDING: dict[str, Any] = {
    "id": _ID,
    "status": "pending",
    "amount_usd": "25.000000000",
    "method": "stripe",
    "checkout_url": "https://checkout.stripe.com/c/pay/cs_live_a1",
    "created_at": "2026-11-20T09:15:01.120Z",
    "paid_at": None,
    "receipt_number": None,
    "receipt_url": None,
    "refunds": [],
    "kept_usd": "0.000000000",
}
_PAID: dict[str, Any] = _PENDING | {
    "status": "paid",
    "checkout_url": None,
    "paid_at": "2026-11-20T09:16:12.804Z",
    "receipt_number": "20261120-4X1B8C5D7EF",
    "receipt_url": "https://pay.stripe.com/receipts/payment/a1",
    "kept_usd": "25.000000000",
}
_REFUND: dict[str, Any] = {
    "id": "re_3Nabc",
    "kind": "refund",
    "amount_usd": "5.000000000",
    "at": "2026-11-21T11:02:40.001Z",
    "returned_at": None,
}
_REFUNDED: dict[str, Any] = _PAID | {"refunds": [_REFUND], "kept_usd": "20.000000000"}
_REDEEMED: dict[str, Any] = _PAID | {"method": "code", "receipt_url": None}


def topup_operations() -> tuple[Operation, ...]:
    """Starting, listing, reading and redeeming."""
    return (_start(), _list(), _redeem(), _read())


def topup_schemas() -> dict[str, Schema]:
    """By name."""
    moment = text(format="date-time")
    refund = record(
        {
            "id": text("Of the refund or dispute."),
            "kind": text(enum=["refund", "dispute"]),
            "amount_usd": text(f"What was taken back. {_USD}"),
            "at": moment,
            "returned_at": or_null(
                moment | {"description": "When it came back: the refund failed, the dispute was won."}
            ),
        }
    )
    return {
        "TopUpRequest": request(
            {
                "amount_usd": text(
                    'Whole cents, such as "25.00".', pattern=r"^(0|[1-9][0-9]{0,6})(\.[0-9]{1,2})?$"
                )
            },
            {
                name: text(meaning, format="uri", maxLength=2048)
                for name, meaning in (
                    ("success_url", "Where the payment page leads after paying; https."),
                    ("cancel_url", "Where it leads otherwise; https."),
                )
            },
        ),
        "RedeemRequest": request(
            {
                "code": text(
                    "As it was given out; case and hyphens do not matter.", minLength=1, maxLength=100
                )
            },
            {},
        ),
        "TopUp": record(
            {
                "id": text(pattern=TOPUP_ID),
                "status": text(
                    "`processing`: paid by a method that takes days.",
                    enum=["pending", "processing", "paid", "failed", "expired"],
                ),
                "amount_usd": text(_USD),
                "method": text(enum=["stripe", "code", "manual"]),
                "checkout_url": or_null(text("Where to pay, while it is pending.", format="uri")),
                "created_at": moment,
                "paid_at": or_null(moment),
                "receipt_number": or_null(text("Once it is paid.")),
                "receipt_url": or_null(text("Stripe's receipt, where there is one.", format="uri")),
                "refunds": listing(ref("TopUpRefund")),
                "kept_usd": text(f"What was credited and not taken back. {_USD}"),
            }
        ),
        "TopUpRefund": refund,
        "TopUpPage": record(
            {
                "items": listing(ref("TopUp")),
                "next_cursor": or_null(text("For the next page; null on the last.")),
            }
        ),
    }


def _start() -> Operation:
    return Operation(
        method="POST",
        path="/v1/topups",
        name="startTopUp",
        summary="Start a top-up by card",
        description="Send the customer to `checkout_url`. The money is credited when Stripe tells that it "
        "was paid, usually within a second; read the top-up to know.",
        scope=Scope.BILLING,
        idempotent=True,
        body=Content(ref("TopUpRequest"), {"Twenty-five dollars": {"amount_usd": "25.00"}}),
        answers=(Answer(201, "It waits for its payment.", (Content(ref("TopUp"), {"New": _PENDING}),)),),
        problems=(
            Problem(
                InvalidField("amount_usd must be from 5 to 10000"),
                "the amount is no text, has parts of cents or is beyond the limits; an address is none",
            ),
            Problem(PaymentPageUnavailable(), "Stripe did not answer, or refused; nothing was paid"),
            Problem(TopUpsNotConfigured(), "top-ups by card are not set up here"),
        ),
    )


def _list() -> Operation:
    page = {"items": [_PAID], "next_cursor": None}
    return Operation(
        method="GET",
        path="/v1/topups",
        name="listTopUps",
        summary="List the top-ups",
        description="Newest first; also those by code and by the operator's hand.",
        scope=Scope.BILLING,
        parameters=(
            query(
                "limit",
                "How many.",
                whole(minimum=1, maximum=MOST_PAGE_SIZE, default=DEFAULT_PAGE_SIZE),
            ),
            query("cursor", "The `next_cursor` of the page before.", text(pattern=TOPUP_ID)),
        ),
        answers=(Answer(200, "A page.", (Content(ref("TopUpPage"), {"The last page": page}),)),),
        problems=(
            Problem(
                InvalidField("limit must be a whole number from 1 to 100"), "`limit` or `cursor` is none"
            ),
        ),
    )


def _redeem() -> Operation:
    return Operation(
        method="POST",
        path="/v1/topups/redeem",
        name="redeemCode",
        summary="Redeem a code",
        description="Credited at once. Sent again by the same account, it gets the same top-up and no more "
        "money. An account may try thirty times a minute.",
        scope=Scope.BILLING,
        body=Content(ref("RedeemRequest"), {"A code": {"code": "7K2MQ-9XDTR-4WBC1-ZP0V8-HN3GE"}}),
        answers=(Answer(200, "It is credited.", (Content(ref("TopUp"), {"Redeemed": _REDEEMED}),)),),
        problems=(
            Problem(CodeRefused(), "the code is wrong, expired, revoked or another account's"),
            Problem(InvalidField("code must be a text of 1 to 100 characters"), "`code` is no short text"),
        ),
    )


def _read() -> Operation:
    examples = {"Waiting": _PENDING, "Paid": _PAID, "Partly refunded": _REFUNDED}
    return Operation(
        method="GET",
        path="/v1/topups/{topup_id}",
        name="readTopUp",
        summary="Read a top-up: its receipt",
        scope=Scope.BILLING,
        parameters=(path("topup_id", "As it was given.", pattern=TOPUP_ID, examples=[_ID]),),
        sample=f"/v1/topups/{_ID}",
        answers=(Answer(200, "The top-up.", (Content(ref("TopUp"), examples),)),),
        problems=(Problem(TopUpNotFound(), "there is no such top-up, or it is another account's"),),
    )
