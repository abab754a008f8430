"""Whether entries agree with their tasks, with each other and with payments. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from shared.ledger.chains import is_account
from shared.ledger.entry import Entry
from shared.ledger.proof.violation import Violation
from shared.mongo import Document
from shared.tasks.lifecycle import FINAL, State

HOLD_GRACE: Final = timedelta(minutes=2)
"""A hold without a task, or past its task's deadline, is put right by the auditor within this time."""
MOST_REFUNDS: Final = 1000
"""Of one task."""
_CHARGED: Final = frozenset({State.COMPLETED, State.GENERATED})


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry where it stands."""

    chain: str
    at: datetime
    entry: Entry


@dataclass(frozen=True, slots=True)
class OpenHold:
    """A hold that nothing has ended."""

    chain: str
    op: str
    task_id: str
    amount: int
    at: datetime
    model: str = ""
    key_id: str | None = None

    @property
    def end_op(self) -> str:
        """What its end will be called."""
        if is_account(self.chain):
            return f"end:{self.task_id}"
        return f"coupon-end:{self.op.removeprefix('coupon:')}"


def open_hold(placed: Placed) -> OpenHold:
    """The hold as it is kept while it is open."""
    entry, facts = placed.entry, placed.entry.facts
    return OpenHold(
        placed.chain,
        entry.op,
        entry.task_id or "",
        entry.amount,
        placed.at,
        facts.get("model", ""),
        facts.get("key_id"),
    )


def check_end(end: Placed, task: Document | None) -> list[Violation]:
    """Whether an account's end agrees with its task's `state`, `cost_nano` and `account_id`."""
    entry = end.entry
    if task is None:
        return [Violation("I1", entry.op, "there is no such task")]
    found = []
    if task["account_id"] != end.chain:
        found.append(Violation.differs("I3", task["_id"], "is paid by", task["account_id"], end.chain))
    if task["state"] in FINAL and task["cost_nano"] != entry.amount:
        cost, captured = task["cost_nano"], entry.amount
        detail = f"costs {cost}, captured is {captured}"
        found.append(Violation("I3", task["_id"], detail, str(cost), str(captured)))
    if entry.amount and task["state"] not in _CHARGED:
        detail = f"is {task['state']} and charged {entry.amount}"
        found.append(Violation("I3", task["_id"], detail, "0", str(entry.amount)))
    return found


def check_use(end: Placed, task: Document | None) -> list[Violation]:
    """Whether a coupon's use was captured exactly if its task is completed.

    A refused request gives its use back without ever becoming a task.
    """
    entry = end.entry
    state = None if task is None else task["state"]
    if entry.amount and state not in _CHARGED:
        return [Violation.differs("I16", entry.op, "uses", 0, entry.amount)]
    if not entry.amount and state == State.COMPLETED:
        return [Violation.differs("I16", entry.op, "uses", 1, 0)]
    return []


def check_hold(hold: OpenHold, task: Document | None, now: datetime) -> Violation | None:
    """Whether a hold may still be open. Whoever asks has made sure that it is."""
    if task is None:
        if hold.at + HOLD_GRACE < now:
            detail = f"{hold.amount} held for a task that never came into being"
            return Violation("I6", hold.task_id, detail, "0", str(hold.amount))
    elif task["state"] in FINAL:
        # Money is given back before its task is final; the use of a coupon within a while after it at times.
        if not is_account(hold.chain) and task["completed_at"] + HOLD_GRACE >= now:
            return None
        detail = f"is {task['state']} and still holds {hold.amount}"
        return Violation("I6", hold.task_id, detail, "0", str(hold.amount))
    elif task["deadline_at"] + HOLD_GRACE < now:
        detail = f"holds {hold.amount} past its deadline"
        return Violation("I6", hold.task_id, detail, "0", str(hold.amount))
    return None


def refund_ops(refunds: Iterable[Placed]) -> set[str]:
    """What must be known to check these refunds."""
    ops = set()
    for one in refunds:
        task_id, number = one.entry.task_id, _number(one.entry)
        ops.add(f"end:{task_id}")
        ops |= {f"refund:{task_id}:{n}" for n in range(1, min(number, MOST_REFUNDS) + 1)}
    return ops


def check_refund(refund: Placed, stored: Mapping[str, Placed]) -> list[Violation]:
    """Whether a refund is the next of its task's, and all of them together are no more than was charged."""
    entry, found = refund.entry, []
    number = _number(entry)
    ops = [f"refund:{entry.task_id}:{n}" for n in range(1, min(number, MOST_REFUNDS) + 1)]
    if missing := [op for op in ops if op not in stored]:
        found.append(Violation("I3", entry.op, f"comes without {missing[0]}"))
    if not 1 <= number <= MOST_REFUNDS:
        found.append(Violation("I3", entry.op, "has no number"))
    end = stored.get(f"end:{entry.task_id}")
    if end is None or end.chain != refund.chain:
        return [*found, Violation("I3", entry.op, f"gives back what {refund.chain} never paid")]
    given_back = sum(stored[op].entry.amount for op in ops if op in stored)
    if given_back > end.entry.amount:
        detail = f"brings refunds to {given_back}, charged was {end.entry.amount}"
        found.append(Violation("I3", entry.op, detail, f"at most {end.entry.amount}", str(given_back)))
    return found


def check_payment(placed: Placed, topup: Document | None) -> list[Violation]:
    """Whether the entry of a top-up is one of those that were decided for it."""
    entry = placed.entry
    acts: list[dict[str, Any]] = [] if topup is None else topup.get("acts", [])
    if topup is None or topup["account_id"] != placed.chain:
        return [Violation("I5", entry.op, f"belongs to no top-up of {placed.chain}")]
    amount = next((act["amount"] for act in acts if act["op"] == entry.op), None)
    if amount == entry.amount:
        return []
    return [Violation.differs("I5", entry.op, "amounts to", amount, entry.amount)]


def _number(refund: Entry) -> int:
    digits = refund.op.rpartition(":")[2]
    return int(digits) if digits.isdecimal() and digits == str(int(digits)) else 0
