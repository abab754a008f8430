"""The acts that the ledger records. Pure; amounts in nano-USD."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from shared.ledger.caps import Cap
from shared.mongo import Document


class EntryKind(StrEnum):
    """What an entry does to the balance."""

    HOLD = "hold"
    """available → held"""
    END = "end"
    """held → spent what is captured, held → available the rest"""
    TOPUP = "topup"
    """money in → available"""
    REFUND = "refund"
    """spent → available"""
    ADJUST = "adjust"
    """money in or out, by its sign; never more out than is available"""
    REVERSAL = "reversal"
    """money out, as a payment is taken back: what is not available any more is owed"""
    CAP = "cap"
    """No money: sets or removes a spend cap"""


_PARTS: Final = frozenset({"op", "kind", "amount", "held", "task_id"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One act. `op` names it for ever: an act with the same `op` never happens twice.

    `amount` is what is held, topped up, captured (of an end), refunded, adjusted (negative: taken away),
    reversed, or the limit of a cap; `held` is the hold that an end dissolves.
    """

    op: str
    kind: EntryKind
    amount: int
    held: int = 0
    task_id: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Further facts for statements, usage and caps, such as model, key_id, units, actor and reason."""

    def to_document(self) -> Document:
        document = {"op": self.op, "kind": self.kind.value, "amount": self.amount, **self.facts}
        if self.kind is EntryKind.END:
            document["held"] = self.held
        if self.task_id is not None:
            document["task_id"] = self.task_id
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Entry:
        return cls(
            op=document["op"],
            kind=EntryKind(document["kind"]),
            amount=document["amount"],
            held=document.get("held", 0),
            task_id=document.get("task_id"),
            facts={key: value for key, value in document.items() if key not in _PARTS},
        )


def hold(task_id: str, amount: int, model: str, key_id: str | None = None) -> Entry:
    """Set money aside for a task."""
    return Entry(
        f"hold:{task_id}", EntryKind.HOLD, amount, task_id=task_id, facts={"model": model} | _key(key_id)
    )


def end(
    task_id: str,
    held: int,
    captured: int,
    model: str,
    units: int,
    key_id: str | None = None,
    held_at: datetime | None = None,
) -> Entry:
    """Dissolve a task's hold: take `captured`, give the rest back.

    `held_at` is a time before the hold came into the chain; without it no spend cap gets anything back.
    """
    facts: dict[str, Any] = {"model": model, "units": units} | _key(key_id)
    if held_at is not None:
        facts["held_at"] = held_at
    return Entry(f"end:{task_id}", EntryKind.END, captured, held, task_id, facts)


def topup(payment: str, amount: int, facts: Mapping[str, Any]) -> Entry:
    """Add money; `payment` identifies the payment for ever."""
    return Entry(f"topup:{payment}", EntryKind.TOPUP, amount, facts=facts)


def refund(
    task_id: str, number: int, amount: int, model: str, key_id: str | None, actor: str, reason: str
) -> Entry:
    """Give back what a task has cost, or part of it; `number` counts the task's refunds from 1."""
    facts = {"model": model, "actor": actor, "reason": reason} | _key(key_id)
    return Entry(f"refund:{task_id}:{number}", EntryKind.REFUND, amount, task_id=task_id, facts=facts)


def adjust(adjustment: str, amount: int, actor: str, reason: str) -> Entry:
    """Add money, or take it away when negative, by an operator's decision."""
    return Entry(f"adjust:{adjustment}", EntryKind.ADJUST, amount, facts={"actor": actor, "reason": reason})


def reversal(reversed_payment: str, amount: int, facts: Mapping[str, Any]) -> Entry:
    """Take back what a payment had brought: it was refunded or is disputed."""
    return Entry(f"reversal:{reversed_payment}", EntryKind.REVERSAL, amount, facts=facts)


def cap_set(change: str, cap: Cap, as_of: int, actor: str) -> Entry:
    """Set a spend cap whose `counted` was worked out from the chain up to seq `as_of`."""
    facts = {"period": cap.period, "counted": cap.counted, "as_of": as_of}
    return _cap_entry(change, cap, cap.limit, facts, actor)


def cap_removed(change: str, cap: Cap, actor: str) -> Entry:
    """Remove a spend cap."""
    return _cap_entry(change, cap, 0, {"removed": True}, actor)


def _cap_entry(change: str, cap: Cap, limit: int, facts: dict[str, Any], actor: str) -> Entry:
    facts |= {"per": cap.per.value, "actor": actor} | _key(cap.key_id)
    return Entry(f"cap:{change}", EntryKind.CAP, limit, facts=facts)


def _key(key_id: str | None) -> dict[str, Any]:
    return {"key_id": key_id} if key_id else {}
