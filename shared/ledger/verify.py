"""Proving the ledger: replay every chain and hold it against the tasks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.errors import HatcheryError
from shared.ledger.block import Balance, balance_of
from shared.ledger.entry import Entry, EntryKind
from shared.mongo import Database, Document
from shared.tasks.lifecycle import FINAL, State

CHUNK = 1000
HOLD_GRACE = timedelta(minutes=2)
"""A hold without a task, or past its task's deadline, is put right by the auditor within this time."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise: which invariant, about what, and how."""

    invariant: str
    subject: str
    detail: str


@dataclass(slots=True)
class Report:
    """What a verification saw and found."""

    accounts: int = 0
    blocks: int = 0
    entries: int = 0
    tasks: int = 0
    open_holds: int = 0
    available: int = 0
    held: int = 0
    spent: int = 0
    topped_up: int = 0
    violations: list[Violation] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not self.violations


def check_block(tail: Balance, block: Document) -> tuple[Balance, list[Violation]]:
    """Whether a block follows from the tail before it; gives the balance that it states."""
    subject = f"{block['account']}#{block['seq']}"
    stated = balance_of(block)
    found = []
    if stated.seq != tail.seq + 1:
        found.append(Violation("I4", subject, f"follows seq {tail.seq}"))
    balance = tail
    for document in block["entries"]:
        try:
            balance = balance.after(Entry.from_document(document), block["at"])
        except HatcheryError as error:
            reason = error.message.removeprefix(f"{document['op']}: ")
            found.append(Violation("I4", subject, f"{document['op']}: {reason}"))
    for name in ("available", "held", "spent", "owed", "caps"):
        if getattr(stated, name) != getattr(balance, name):
            found.append(
                Violation("I4", subject, f"{name} is {getattr(stated, name)}, not {getattr(balance, name)}")
            )
        if name != "caps" and getattr(stated, name) < 0:
            found.append(Violation("I4", subject, f"{name} is negative"))
    return stated, found


def check_end(end: Entry, task: Document | None) -> list[Violation]:
    """Whether an end agrees with its task's `state` and `cost_nano`."""
    if task is None:
        return [Violation("I1", end.op, "there is no such task")]
    found = []
    if task["state"] in FINAL and task["cost_nano"] != end.amount:
        found.append(Violation("I3", task["_id"], f"costs {task['cost_nano']}, captured is {end.amount}"))
    if end.amount and task["state"] not in {State.COMPLETED, State.GENERATED}:
        found.append(Violation("I3", task["_id"], f"is {task['state']} and charged {end.amount}"))
    return found


class Verification:
    """Reads everything once, a chunk at a time; memory grows with the open holds only."""

    def __init__(self, database: Database, now: datetime) -> None:
        self._ledger = database["ledger"]
        self._tasks = database["tasks"]
        self._now = now
        self._holds: dict[str, tuple[int, datetime]] = {}
        self.report = Report()

    async def run(self) -> Report:
        """Replay all chains, then look at every final task."""
        account, tail = None, Balance()
        ends: list[Entry] = []
        async for block in self._ledger.find().sort([("account", 1), ("seq", 1)]):
            if block["account"] != account:
                self._close_chain(tail)
                account, tail = block["account"], Balance()
                self.report.accounts += 1
            tail, found = check_block(tail, block)
            self.report.violations += found
            ends += self._take(block)
            if len(ends) >= CHUNK:
                await self._compare_ends(ends)
                ends = []
        self._close_chain(tail)
        await self._compare_ends(ends)
        await self._check_open_holds()
        await self._check_final_tasks()
        report = self.report
        if report.topped_up != report.available + report.held + report.spent:
            self._add("I5", "all accounts", "money in is not money out and balances")
        return report

    def _add(self, invariant: str, subject: str, detail: str) -> None:
        self.report.violations.append(Violation(invariant, subject, detail))

    def _close_chain(self, tail: Balance) -> None:
        self.report.available += tail.available
        self.report.held += tail.held
        self.report.spent += tail.spent

    def _take(self, block: Document) -> list[Entry]:
        self.report.blocks += 1
        ends = []
        for document in block["entries"]:
            self.report.entries += 1
            entry = Entry.from_document(document)
            if entry.kind is EntryKind.TOPUP:
                self.report.topped_up += entry.amount
            elif entry.kind is EntryKind.HOLD:
                self._holds[entry.task_id or ""] = (entry.amount, block["at"])
            else:
                ends.append(entry)
                amount, _ = self._holds.pop(entry.task_id or "", (None, None))
                if amount != entry.held:
                    self._add("I3", entry.task_id or entry.op, f"ends a hold of {entry.held}, not {amount}")
        return ends

    async def _compare_ends(self, ends: Sequence[Entry]) -> None:
        """Each end against its task: captured is its cost, and only a completed task costs anything."""
        tasks = await self._states([entry.task_id or "" for entry in ends])
        for entry in ends:
            self.report.violations += check_end(entry, tasks.get(entry.task_id or ""))

    async def _check_open_holds(self) -> None:
        self.report.open_holds = len(self._holds)
        open_holds = list(self._holds.items())
        for start in range(0, len(open_holds), CHUNK):
            chunk = open_holds[start : start + CHUNK]
            tasks = await self._states([task_id for task_id, _ in chunk])
            for task_id, (amount, at) in chunk:
                self._check_open_hold(task_id, amount, at, tasks.get(task_id))

    def _check_open_hold(self, task_id: str, amount: int, at: datetime, task: Document | None) -> None:
        if task is None:
            if at + HOLD_GRACE < self._now:
                self._add("I6", task_id, f"{amount} held for a task that never came into being")
        elif task["state"] in FINAL:
            self._add("I6", task_id, f"is {task['state']} and still holds {amount}")
        elif task["deadline_at"] + HOLD_GRACE < self._now:
            self._add("I6", task_id, f"holds {amount} past its deadline")

    async def _check_final_tasks(self) -> None:
        """Each final task has its end in the ledger."""
        async for chunk in self._final_tasks():
            ops = {f"end:{task_id}" for task_id in chunk}
            cursor = self._ledger.find({"entries.op": {"$in": list(ops)}}, {"entries.op": 1})
            async for block in cursor:
                ops -= {entry["op"] for entry in block["entries"]}
            for op in sorted(ops):
                self._add("I3", op, "the task is final and the ledger has no such entry")

    async def _final_tasks(self) -> AsyncIterator[list[str]]:
        chunk: list[str] = []
        async for task in self._tasks.find({"state": {"$in": sorted(FINAL)}}, {"_id": 1}):
            self.report.tasks += 1
            chunk.append(task["_id"])
            if len(chunk) == CHUNK:
                yield chunk
                chunk = []
        if chunk:
            yield chunk

    async def _states(self, task_ids: Sequence[str]) -> Mapping[str, Document]:
        fields = {"state": 1, "cost_nano": 1, "deadline_at": 1}
        return {
            task["_id"]: task async for task in self._tasks.find({"_id": {"$in": list(task_ids)}}, fields)
        }
