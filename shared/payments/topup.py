"""A top-up: money that somebody wants to pay or has paid, and what the ledger is to make of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.ledger.entry import Entry, EntryKind, reversal, topup
from shared.mongo import Document


class Method(StrEnum):
    """How the money comes."""

    STRIPE = "stripe"
    CODE = "code"
    MANUAL = "manual"


class TopUpState(StrEnum):
    """`PROCESSING`: the customer has done his part, the money is on its way. A paid one stays paid."""

    PENDING = "pending"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Act:
    """One entry that the ledger is to have; decided once, with its amount, and never changed.

    An amount of 0 stands for an event that moves no money; the ledger has no entry of it.
    """

    op: str
    kind: EntryKind
    amount: int
    at: datetime
    cause: str
    """`payment`, `refund` or `dispute`."""

    @property
    def subject(self) -> str:
        """What the entry names: the payment, the refund or the dispute, with its end where it has one."""
        return self.op.partition(":")[2]

    def entry(self, facts: Mapping[str, Any]) -> Entry:
        make = topup if self.kind is EntryKind.TOPUP else reversal
        return make(self.subject, self.amount, {**facts, "cause": self.cause})

    def to_document(self) -> Document:
        return {
            "op": self.op,
            "kind": self.kind.value,
            "amount": self.amount,
            "at": self.at,
            "cause": self.cause,
        }


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """An Idempotency-Key, and a hash of what was asked for with it."""

    key: str
    fingerprint: bytes

    def to_document(self) -> Document:
        return {"key": self.key, "fingerprint": self.fingerprint}


@dataclass(frozen=True, slots=True)
class TopUp:
    """One document of `topups`. Amounts in nano-USD."""

    id: str
    account_id: str
    amount: int
    method: Method
    created_at: datetime
    state: TopUpState = TopUpState.PENDING
    version: int = 0
    session_id: str | None = None
    checkout_url: str | None = None
    payment: str | None = None
    """The payment that was credited: it names the ledger's entry for ever."""
    payments: tuple[str, ...] = ()
    """All that were made for it, also refused ones. A payment is of one top-up only."""
    paid_at: datetime | None = None
    receipt_url: str | None = None
    acts: tuple[Act, ...] = ()
    problems: tuple[str, ...] = ()
    """What an operator has to look at: sentences."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """For the ledger's entries: actor and reason of a manual one, the code's id."""
    request: KeyedRequest | None = None
    """What it was started by, where the client named it."""

    def has(self, op: str) -> bool:
        return any(act.op == op for act in self.acts)

    def act(self, op: str) -> Act | None:
        return next((act for act in self.acts if act.op == op), None)

    def with_act(self, act: Act) -> TopUp:
        return replace(self, acts=(*self.acts, act))

    def with_problem(self, problem: str) -> TopUp:
        known = problem in self.problems
        return self if known else replace(self, problems=(*self.problems, problem))

    @property
    def without_page(self) -> bool:
        """Nobody can pay it: its page is being made, or will never be."""
        return self.method is Method.STRIPE and self.state is TopUpState.PENDING and self.session_id is None

    def given_up(self) -> TopUp:
        """The same, never to be paid; its Idempotency-Key is free for another."""
        return replace(self, state=TopUpState.FAILED, request=None)

    @property
    def kept(self) -> int:
        """What of the payment has not been taken back."""
        return sum(act.amount if act.kind is EntryKind.TOPUP else -act.amount for act in self.acts)

    def paid(self, payment: str, at: datetime) -> TopUp:
        """The same, with its payment to be credited."""
        act = Act(f"topup:{payment}", EntryKind.TOPUP, self.amount, at, "payment")
        payments = self.payments if payment in self.payments else (*self.payments, payment)
        return replace(
            self.with_act(act), state=TopUpState.PAID, payment=payment, payments=payments, paid_at=at
        )

    def entries(self) -> list[Entry]:
        """What the ledger is to have, in order."""
        facts = {"topup_id": self.id, "method": self.method.value, **self.facts}
        return [act.entry(facts) for act in self.acts if act.amount]

    def to_document(self) -> Document:
        optional = {
            "session_id": self.session_id,
            "checkout_url": self.checkout_url,
            "payment": self.payment,
            "paid_at": self.paid_at,
            "receipt_url": self.receipt_url,
            "payments": list(self.payments),
            "acts": [act.to_document() for act in self.acts],
            "problems": list(self.problems),
            "facts": dict(self.facts),
            "idempotency": self.request and self.request.to_document(),
        }
        return {
            "_id": self.id,
            "account_id": self.account_id,
            "amount": self.amount,
            "method": self.method.value,
            "created_at": self.created_at,
            "state": self.state.value,
            "version": self.version,
            **{name: value for name, value in optional.items() if value},
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> TopUp:
        return cls(
            id=document["_id"],
            account_id=document["account_id"],
            amount=document["amount"],
            method=Method(document["method"]),
            created_at=document["created_at"],
            state=TopUpState(document["state"]),
            version=document["version"],
            session_id=document.get("session_id"),
            checkout_url=document.get("checkout_url"),
            payment=document.get("payment"),
            payments=tuple(document.get("payments", ())),
            paid_at=document.get("paid_at"),
            receipt_url=document.get("receipt_url"),
            acts=tuple(
                Act(one["op"], EntryKind(one["kind"]), one["amount"], one["at"], one["cause"])
                for one in document.get("acts", ())
            ),
            problems=tuple(document.get("problems", ())),
            facts=document.get("facts", {}),
            request=KeyedRequest(**document["idempotency"]) if "idempotency" in document else None,
        )
