"""What a payment provider has told us, in our words. Pure; amounts in whole cents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from shared.mongo import Document


class Said(StrEnum):
    """What has happened."""

    PAID = "paid"
    PROCESSING = "processing"
    FAILED = "failed"
    EXPIRED = "expired"
    RECEIPT = "receipt"
    """There is a receipt to look at."""
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    DISPUTED = "disputed"
    """The payer's bank has taken the money."""
    DISPUTE_WON = "dispute_won"


@dataclass(frozen=True, slots=True)
class Notice:
    """One fact. It names its top-up, or else only its payment."""

    said: Said
    payment: str | None = None
    topup_id: str | None = None
    account_id: str | None = None
    subject: str | None = None
    """The refund or dispute."""
    amount_cents: int | None = None
    currency: str | None = None
    receipt_url: str | None = None

    def to_document(self) -> Document:
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Notice:
        return cls(**{**document, "said": Said(document["said"])})
