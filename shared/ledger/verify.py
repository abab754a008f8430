"""Proving the ledger: replay every chain from its first block and hold it against the tasks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Final

from shared.ledger.block import Balance, balance_of
from shared.ledger.chains import is_account
from shared.ledger.entry import EntryKind
from shared.ledger.proof.acts import Placed
from shared.ledger.proof.agreement import (
    check_decided,
    check_existence,
    check_final_tasks,
    check_open_holds,
    check_payments,
    check_refunds,
    check_uses,
    name_missing,
)
from shared.ledger.proof.reading import CHUNK, Books
from shared.ledger.proof.replay import Replay, check_pair
from shared.ledger.proof.report import Report
from shared.ledger.proof.violation import Violation
from shared.mongo import Database, Document
from shared.tasks.lifecycle import FINAL

Watch = Callable[[int], None]
"""Gets the number of entries and tasks that have been read."""

_SETTLED: Final = timedelta(minutes=1)
"""Ends this old were there when the reading began and are counted; of younger ones the task is looked up."""


def _nobody(rows: int) -> None:
    """Tells no one."""


class Verification:
    """Reads everything once, a chunk at a time; memory grows with the open holds of one chain only.

    With a `chain`, that one alone, and its account's tasks.
    """

    def __init__(
        self, database: Database, now: datetime, chain: str | None = None, watch: Watch = _nobody
    ) -> None:
        self._books = Books(database)
        self._now = now
        self._chain = chain
        self._watch = watch
        self._settled = 0
        self._young: list[Placed] = []
        self._uses: list[Placed] = []
        self._refunds: list[Placed] = []
        self._payments: list[Placed] = []
        self.report = Report()

    async def run(self) -> Report:
        """Replay the chains, then look at the tasks and the top-ups."""
        replay: Replay | None = None
        async for block in self._blocks():
            if replay is None or _chain_of(block) != replay.chain:
                await self._close(replay)
                replay = Replay(_chain_of(block), Balance(), self.report)
            self._take(replay, block)
            await self._flush(CHUNK)
        await self._close(replay)
        await self._flush(1)
        await self._check_tasks()
        if self._chain is None:
            async for topups in self._books.all_topups():
                self.report.violations += await check_decided(self._books, topups, self._now)
        self.report.check_money()
        return self.report

    async def _blocks(self) -> AsyncIterator[Document]:
        read = 0
        async for block in self._books.blocks(self._chain):
            read += 1
            if read % CHUNK == 0:
                self._watch(self.report.entries)
            yield block

    def _take(self, replay: Replay, block: Document) -> None:
        before = replay.tail
        try:
            replay.take(block)
        except (ValueError, KeyError, TypeError) as error:
            replay.tail = _stated(block, before)
            where = f"{block.get('account')}#{block.get('seq')}"
            self.report.violations.append(Violation("I4", where, f"cannot be read: {error!r}"))
        for end in replay.strange:
            self.report.violations += check_pair(end, None)
        if is_account(replay.chain):
            young = [end for end in replay.ends if end.at > self._now - _SETTLED]
            self._settled += len(replay.ends) - len(young)
            self._young += young
        else:
            self._uses += replay.ends
        self._refunds += replay.refunds
        self._payments += replay.payments
        for taken in (replay.strange, replay.ends, replay.refunds, replay.payments):
            taken.clear()

    async def _flush(self, enough: int) -> None:
        """Look up what has gathered."""
        for gathered, check in (
            (self._young, check_existence),
            (self._uses, check_uses),
            (self._refunds, check_refunds),
            (self._payments, check_payments),
        ):
            if len(gathered) >= enough:
                self.report.violations += await check(self._books, gathered)
                gathered.clear()

    async def _close(self, replay: Replay | None) -> None:
        if replay is None:
            return
        holds = replay.open_holds()
        if is_account(replay.chain):
            self.report.close(replay.tail)
            self.report.open_holds += len(holds)
        else:
            self.report.coupon_chains += 1
            self.report.held_uses += replay.tail.held
        self.report.violations += await check_open_holds(self._books, holds, self._now)

    async def _check_tasks(self) -> None:
        """Each task against its end, and whether there are ends without a task."""
        if self._chain is not None and not is_account(self._chain):
            return
        with_task = 0
        async for tasks in self._books.all_tasks(self._chain):
            self.report.tasks += sum(task["state"] in FINAL for task in tasks)
            found, settled = await check_final_tasks(self._books, tasks, self._now - _SETTLED)
            self.report.violations += found
            with_task += settled
            self._watch(self.report.entries + self.report.tasks)
        if with_task != self._settled:
            await self._name_ends_without_task()

    async def _name_ends_without_task(self) -> None:
        """Every end has a task of its own, so when the numbers differ, the tasks of some are missing."""
        ends: dict[str, str] = {}
        async for block in self._books.blocks(self._chain):
            if is_account(_chain_of(block)):
                ends |= _ends_in(block)
            if len(ends) >= CHUNK:
                self.report.violations += await name_missing(self._books, ends)
                ends = {}
        self.report.violations += await name_missing(self._books, ends)


def _chain_of(block: Document) -> str:
    return str(block.get("account"))


def _ends_in(block: Document) -> dict[str, str]:
    """Their ops by task id."""
    return {
        str(entry.get("task_id")): str(entry.get("op"))
        for entry in block.get("entries", ())
        if entry.get("kind") == EntryKind.END
    }


def _stated(block: Document, before: Balance) -> Balance:
    """Where a block leads that cannot be read."""
    try:
        return balance_of(block)
    except (ValueError, KeyError, TypeError):
        return Balance(before.seq + 1, before.available, before.held, before.spent, before.owed, before.caps)
