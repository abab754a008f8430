"""Holding what a replay gathered against tasks, refunds and top-ups, a thousand at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from shared.coupons.entries import uses_ended
from shared.ledger.proof.acts import (
    HOLD_GRACE,
    OpenHold,
    Placed,
    check_end,
    check_hold,
    check_payment,
    check_refund,
    check_use,
    refund_ops,
)
from shared.ledger.proof.reading import CHUNK, Books
from shared.ledger.proof.violation import Violation
from shared.mongo import Document
from shared.tasks.lifecycle import FINAL, State


async def check_ends(books: Books, ends: Sequence[Placed], tasks: dict[str, Document]) -> list[Violation]:
    """Ends of accounts against tasks that were read before them, perhaps.

    What seems wrong is looked at again: the task may have moved on meanwhile.
    """
    doubtful = [one for one in ends if check_end(one, tasks.get(one.entry.task_id or ""))]
    if not doubtful:
        return []
    now = await books.tasks_of(one.entry.task_id or "" for one in doubtful)
    return [found for one in doubtful for found in check_end(one, now.get(one.entry.task_id or ""))]


async def check_existence(books: Books, ends: Sequence[Placed]) -> list[Violation]:
    """Ends of accounts against the ids of tasks, no more."""
    return await name_missing(books, {end.entry.task_id or "": end.entry.op for end in ends})


async def name_missing(books: Books, ends: Mapping[str, str]) -> list[Violation]:
    """The same with their ops by task id."""
    tasks = await books.tasks_of(ends)
    return [
        Violation("I1", op, "there is no such task") for task_id, op in ends.items() if task_id not in tasks
    ]


async def check_uses(books: Books, ends: Sequence[Placed]) -> list[Violation]:
    """Ends of coupons' uses."""
    tasks = await books.tasks_of(one.entry.task_id or "" for one in ends)
    return [found for one in ends for found in check_use(one, tasks.get(one.entry.task_id or ""))]


async def check_refunds(books: Books, refunds: Sequence[Placed]) -> list[Violation]:
    """Refunds against what their tasks were charged."""
    stored = await books.entries(refund_ops(refunds))
    return [found for one in refunds for found in check_refund(one, stored)]


async def check_payments(books: Books, payments: Sequence[Placed]) -> list[Violation]:
    """Entries of top-ups against what was decided of them."""
    topups = await books.topups_of({one.entry.facts["topup_id"] for one in payments})
    return [
        found for one in payments for found in check_payment(one, topups.get(one.entry.facts["topup_id"]))
    ]


async def check_open_holds(books: Books, holds: Sequence[OpenHold], now: datetime) -> list[Violation]:
    """Holds that are open too long. One that ends while this looks is none of them."""
    found = []
    for start in range(0, len(holds), CHUNK):
        chunk = holds[start : start + CHUNK]
        tasks = await books.tasks_of(hold.task_id for hold in chunk)
        suspects = [hold for hold in chunk if check_hold(hold, tasks.get(hold.task_id), now) is not None]
        ended = await books.ended(suspects)
        checks = [check_hold(hold, tasks.get(hold.task_id), now) for hold in suspects if hold.op not in ended]
        found += [violation for violation in checks if violation is not None]
    return found


async def check_final_tasks(
    books: Books, tasks: Sequence[Document], settled_before: datetime
) -> tuple[list[Violation], int]:
    """Tasks against their ends in the ledger; gives also how many ends they have before a time."""
    of_coupons = {
        entry.op: (int(task["state"] == State.COMPLETED), chain)
        for task in tasks
        if task.get("coupon") and task["state"] in FINAL
        for chain, entry in uses_ended(task["coupon"], task["account_id"], task["_id"], True).items()
    }
    ops = {f"end:{task['_id']}" for task in tasks}
    stored = await books.entries(ops | of_coupons.keys())
    ends = [stored[op] for op in ops if op in stored]
    found = await check_ends(books, ends, {task["_id"]: task for task in tasks})
    for task in tasks:
        op = f"end:{task['_id']}"
        if task["state"] in FINAL and op not in stored:
            found.append(Violation("I3", op, "the task is final and the ledger has no such entry"))
    for op, (uses, chain) in of_coupons.items():
        use = stored.get(op)
        if use is None or use.chain != chain:
            found.append(Violation("I16", op, "the task is final and the ledger has no such entry"))
        elif use.entry.amount != uses:
            found.append(Violation.differs("I16", op, "uses", uses, use.entry.amount))
    return found, sum(end.at <= settled_before for end in ends)


async def check_decided(books: Books, topups: Sequence[Document], now: datetime) -> list[Violation]:
    """Top-ups whose entries should be in the ledger by now."""
    acts = {
        act["op"]: topup
        for topup in topups
        for act in topup.get("acts", ())
        if act["amount"] and act["at"] + HOLD_GRACE < now
    }
    stored = await books.entries(acts)
    return [
        Violation("I5", op, f"was decided for {topup['_id']} and the ledger has no such entry")
        for op, topup in acts.items()
        if op not in stored
    ]
