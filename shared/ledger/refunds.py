"""Giving back what tasks have cost: in whole or in parts, and never more than was captured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from shared.errors import HatcheryError
from shared.ledger.chain import Applied, Ledger
from shared.ledger.entry import Entry, EntryKind, refund
from shared.money import usd_from_nano
from shared.mongo import Database, Document
from shared.tasks.lifecycle import State

_AFTER_COLON: Final = ";"
"""The character after the colon: between `refund:<task>:` and `refund:<task>;` lie all of its refunds."""


class UnknownTask(HatcheryError):
    """There is no task with this id."""

    code, status = "task_not_found", 404


class NotRefundable(HatcheryError):
    """Only what a completed task has cost can be given back, and only once."""

    code, status = "not_refundable", 409


@dataclass(frozen=True, slots=True)
class Refund:
    """One refund as it stands in the chain."""

    entry: Entry
    at: datetime

    @property
    def number(self) -> int:
        return int(self.entry.op.rpartition(":")[2])


@dataclass(frozen=True, slots=True)
class Refunded:
    """What a refund came to; `now` is false when the same `--id` had made it before."""

    account_id: str
    entry: Entry
    captured: int
    left: int
    now: bool


def amount_to_refund(task_id: str, captured: int, refunded: int, wanted: int | None) -> int:
    """`wanted` nano-USD, or all that is left. Raises NotRefundable."""
    left = captured - refunded
    if captured == 0:
        raise NotRefundable(f"{task_id} has cost nothing.")
    if left <= 0:
        raise NotRefundable(f"All of the ${_usd(captured)} that {task_id} has cost has been given back.")
    if wanted is None:
        return left
    if wanted <= 0:
        raise NotRefundable("A refund is more than nothing.")
    if wanted > left:
        raise NotRefundable(
            f"${_usd(wanted)} is more than what is left of {task_id}: ${_usd(left)} of ${_usd(captured)}."
        )
    return wanted


async def refunds_of(database: Database, task_id: str) -> list[Refund]:
    """A task's refunds, in order."""
    low, high = f"refund:{task_id}:", f"refund:{task_id}{_AFTER_COLON}"
    found = await refunds_between(database, low, high)
    return sorted(found, key=lambda one: one.number)


async def refunds_between(database: Database, low: str, high: str) -> list[Refund]:
    """The refunds whose op lies in `[low, high)`, in no order: one range of the index of ops."""
    inside = {"entries": {"$elemMatch": {"op": {"$gte": low, "$lt": high}}}}
    return [
        Refund(Entry.from_document(entry), block["at"])
        async for block in database["ledger"].find(inside)
        for entry in block["entries"]
        if low <= entry["op"] < high and entry["kind"] == EntryKind.REFUND
    ]


class Refunds:
    """Refunds of a task are numbered without gaps: of two operators at once one gets the number, and the
    other looks again at what is left.
    """

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger

    async def refund(
        self, task_id: str, wanted: int | None, actor: str, reason: str, refund_id: str | None = None
    ) -> Refunded:
        """Give back `wanted` nano-USD, or what is left; the same `refund_id` gives the same refund again.

        Raises UnknownTask and NotRefundable.
        """
        task = await self._completed(task_id)
        end = (await self._ledger.find([f"end:{task_id}"]))[f"end:{task_id}"]
        while True:
            earlier = await refunds_of(self._database, task_id)
            refunded = sum(one.entry.amount for one in earlier)
            if again := _same(earlier, refund_id, wanted):
                return Refunded(task["account_id"], again, end.amount, end.amount - refunded, now=False)
            amount = amount_to_refund(task_id, end.amount, refunded, wanted)
            entry = _entry(task, len(earlier) + 1, amount, actor, reason, refund_id)
            outcome = (await self._ledger.append({task["account_id"]: [entry]}))[entry.op]
            if not isinstance(outcome, Applied):
                raise outcome
            if outcome.now:
                left = end.amount - refunded - amount
                return Refunded(task["account_id"], entry, end.amount, left, now=True)

    async def _completed(self, task_id: str) -> Document:
        fields = {"account_id": 1, "key_id": 1, "model": 1, "state": 1}
        task = await self._database["tasks"].find_one({"_id": task_id}, fields)
        if task is None:
            raise UnknownTask(f"There is no task {task_id}.")
        if task["state"] != State.COMPLETED:
            raise NotRefundable(f"{task_id} is {task['state']}: only a completed task has cost anything.")
        return task


def _same(earlier: Sequence[Refund], refund_id: str | None, wanted: int | None) -> Entry | None:
    """The refund that this id has made already. Raises NotRefundable if it was of another amount."""
    for one in earlier:
        if refund_id is None or one.entry.facts.get("refund_id") != refund_id:
            continue
        if wanted not in (None, one.entry.amount):
            raise NotRefundable(
                f"The id {refund_id} stands for a refund of ${_usd(one.entry.amount)} already."
            )
        return one.entry
    return None


def _entry(
    task: Mapping[str, Any], number: int, amount: int, actor: str, reason: str, refund_id: str | None
) -> Entry:
    plain = refund(task["_id"], number, amount, task["model"], task["key_id"], actor, reason)
    return plain if refund_id is None else replace(plain, facts={**plain.facts, "refund_id": refund_id})


def _usd(nano: int) -> str:
    return usd_from_nano(nano, 9)
