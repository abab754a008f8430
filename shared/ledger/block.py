"""Blocks and entries, and the arithmetic of a chain. Pure; amounts in nano-USD."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.errors import HatcheryError
from shared.mongo import Document

INT64_MAX = 2**63 - 1


class EntryKind(StrEnum):
    """What an entry does to the balance."""

    HOLD = "hold"
    END = "end"
    TOPUP = "topup"


class InsufficientBalance(HatcheryError):
    """The balance does not cover this request."""

    code, status = "insufficient_balance", 402


class BrokenEntry(HatcheryError):
    """An entry that no correct service writes: negative, or capturing more than was held."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One act. `op` names it for ever: an act with the same `op` never happens twice.

    `amount` is what is held, topped up, or (for an end) captured; `held` is the hold that an end dissolves.
    """

    op: str
    kind: EntryKind
    amount: int
    held: int = 0
    task_id: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Further facts for statements and usage, such as model, units, actor and reason."""

    def to_document(self) -> Document:
        document = {"op": self.op, "kind": self.kind.value, "amount": self.amount, **self.facts}
        if self.kind is EntryKind.END:
            document["held"] = self.held
        if self.task_id is not None:
            document["task_id"] = self.task_id
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Entry:
        known = {"op", "kind", "amount", "held", "task_id"}
        return cls(
            op=document["op"],
            kind=EntryKind(document["kind"]),
            amount=document["amount"],
            held=document.get("held", 0),
            task_id=document.get("task_id"),
            facts={key: value for key, value in document.items() if key not in known},
        )


def hold(task_id: str, amount: int, model: str) -> Entry:
    """Set money aside for a task."""
    return Entry(f"hold:{task_id}", EntryKind.HOLD, amount, task_id=task_id, facts={"model": model})


def end(task_id: str, held: int, captured: int, model: str, units: int) -> Entry:
    """Dissolve a task's hold: take `captured`, give the rest back."""
    return Entry(
        f"end:{task_id}", EntryKind.END, captured, held, task_id, facts={"model": model, "units": units}
    )


def topup(payment: str, amount: int, facts: Mapping[str, Any]) -> Entry:
    """Add money; `payment` identifies the payment for ever."""
    return Entry(f"topup:{payment}", EntryKind.TOPUP, amount, facts=facts)


@dataclass(frozen=True, slots=True)
class Balance:
    """The tail of a chain."""

    seq: int = 0
    available: int = 0
    held: int = 0
    spent: int = 0

    def after(self, entry: Entry) -> Balance:
        """The totals after an entry, at the same `seq`. Raises InsufficientBalance and BrokenEntry."""
        if entry.amount < 0 or entry.held < 0 or entry.amount > INT64_MAX:
            raise BrokenEntry(f"{entry.op}: amount out of range")
        if entry.kind is EntryKind.HOLD:
            if entry.amount > self.available:
                raise InsufficientBalance
            return Balance(self.seq, self.available - entry.amount, self.held + entry.amount, self.spent)
        if entry.kind is EntryKind.TOPUP:
            if self.available + self.held + self.spent + entry.amount > INT64_MAX:
                raise BrokenEntry(f"{entry.op}: more money than the ledger can count")
            return Balance(self.seq, self.available + entry.amount, self.held, self.spent)
        if entry.amount > entry.held or entry.held > self.held:
            raise BrokenEntry(f"{entry.op}: captures {entry.amount} of {entry.held} with {self.held} held")
        released = entry.held - entry.amount
        return Balance(self.seq, self.available + released, self.held - entry.held, self.spent + entry.amount)


@dataclass(frozen=True, slots=True)
class Block:
    """Entries that come into being together, with the totals after them."""

    account: str
    balance: Balance
    entries: tuple[Entry, ...]

    def to_document(self, at: datetime) -> Document:
        return {
            "account": self.account,
            "seq": self.balance.seq,
            "available": self.balance.available,
            "held": self.balance.held,
            "spent": self.balance.spent,
            "entries": [entry.to_document() for entry in self.entries],
            "at": at,
        }


def balance_of(document: Mapping[str, Any]) -> Balance:
    """The totals that a stored block states."""
    return Balance(document["seq"], document["available"], document["held"], document["spent"])


def make_block(
    account: str, tail: Balance, wanted: Sequence[Entry]
) -> tuple[Block | None, dict[str, HatcheryError]]:
    """The next block, with every entry that fits, in order; and the refused ones by `op`."""
    balance = tail
    taken: dict[str, Entry] = {}
    refused: dict[str, HatcheryError] = {}
    for entry in wanted:
        if entry.op in taken:
            continue
        try:
            balance = balance.after(entry)
        except HatcheryError as error:
            refused[entry.op] = error
        else:
            taken[entry.op] = entry
    if not taken:
        return None, refused
    totals = Balance(tail.seq + 1, balance.available, balance.held, balance.spent)
    return Block(account, totals, tuple(taken.values())), refused
