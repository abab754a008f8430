"""Going on where the last verification ended: what it costs grows with what is new."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from shared.ledger.block import Balance
from shared.ledger.chains import is_account
from shared.ledger.proof.acts import HOLD_GRACE, OpenHold, Placed, check_hold
from shared.ledger.proof.agreement import check_ends, check_payments, check_refunds, check_uses
from shared.ledger.proof.points import OpenHolds, Point, Points
from shared.ledger.proof.reading import Books
from shared.ledger.proof.replay import Replay, check_pair
from shared.ledger.proof.report import Report
from shared.ledger.proof.violation import Violation
from shared.mongo import Database, Document
from shared.tasks.lifecycle import FINAL

STEP_ROWS: Final = 5000
"""A point moves after so many entries: all that a long way to go keeps in memory."""
MOST_LOOKED_AT: Final = 1000
SETTLING_TIME: Final = timedelta(seconds=30)
"""A submit that is not cut off has stored its task by then."""


@dataclass(slots=True)
class DueHolds:
    """Open holds that it was time to look at."""

    ended: list[OpenHold] = field(default_factory=list)
    without_task: list[OpenHold] = field(default_factory=list)
    overdue: list[OpenHold] = field(default_factory=list)
    """Their tasks go on past their deadlines."""
    later: dict[str, datetime] = field(default_factory=dict)
    """When to look again, by op, at those that are as they should be."""
    violations: list[Violation] = field(default_factory=list)


class SinceLast:
    """Verifies the blocks after each chain's point that were made before a time, and moves the point.

    Several may do so at once. What is found is kept with the point, and told again each time.
    """

    def __init__(self, database: Database, now: datetime, settled_before: datetime) -> None:
        self._books = Books(database)
        self._points = Points(database)
        self._holds = OpenHolds(database)
        self._now = now
        self._settled_before = settled_before
        self.report = Report()

    async def run(self, only: str | None = None) -> Report:
        """All chains, or one of them, and the open holds that are due."""
        for chain, point in (await self.changed(only)).items():
            await self.follow(chain, point)
        due = await self.due_holds()
        await self._holds.remove(hold.op for hold in due.ended)
        self.report.violations += due.violations
        return self.report

    async def changed(self, only: str | None = None) -> dict[str, Point]:
        """The points of chains that have grown since. The findings of all of them are in the report."""
        points = await self._points.read(only)
        for point in points.values():
            self.report.violations += point.findings
        tails = await self._books.tails() if only is None else {only: await self._books.tail(only)}
        known = {chain: points.get(chain, Point()) for chain in tails}
        return {chain: point for chain, point in known.items() if point.tail.seq < tails[chain]}

    async def follow(self, chain: str, point: Point) -> None:
        """Verify what is new in one chain. A chain that this version cannot read ends there."""
        if is_account(chain):
            self.report.accounts += 1
        else:
            self.report.coupon_chains += 1
        step, start, before = self._step(chain, point.tail)
        async for block in self._books.blocks(chain, point.tail.seq):
            try:
                if block["at"] > self._settled_before:
                    break
                step.take(block)
            except (ValueError, KeyError, TypeError) as error:
                detail = f"cannot be read after seq {step.tail.seq}: {error!r}"
                await self._keep(step, start, before)
                self.report.violations.append(Violation("I4", chain, detail))
                return
            if step.rows >= STEP_ROWS:
                if not await self._keep(step, start, before):
                    return
                step, start, before = self._step(chain, step.tail)
        await self._keep(step, start, before)

    def _step(self, chain: str, tail: Balance) -> tuple[Replay, Balance, int]:
        return Replay(chain, tail, self.report), tail, len(self.report.violations)

    async def _keep(self, step: Replay, start: Balance, before: int) -> bool:
        """Check what a step has gathered and move the point past it."""
        if step.tail.seq == start.seq:
            return True
        report, ops = self.report, [_hold_op(end) for end in step.strange]
        earlier = await self._books.entries(ops)
        for op, end in zip(ops, step.strange, strict=True):
            report.violations += check_pair(end, earlier.get(op))
        open_holds = step.open_holds()
        tasks = await self._books.tasks_of(hold.task_id for hold in open_holds)
        if is_account(step.chain):
            tasks |= await self._books.tasks_of(end.entry.task_id or "" for end in step.ends)
            report.violations += await check_ends(self._books, step.ends, tasks)
        else:
            report.violations += await check_uses(self._books, step.ends)
        report.violations += await check_refunds(self._books, step.refunds)
        report.violations += await check_payments(self._books, step.payments)
        finished = [hold for hold in open_holds if _is_final(tasks.get(hold.task_id))]
        ended = await self._books.ended(finished)
        kept = [(hold, self._look_at(tasks.get(hold.task_id))) for hold in open_holds if hold.op not in ended]
        # In this order a crash leaves behind at most a hold that has ended.
        await self._holds.add(kept)
        if not await self._points.move(step.chain, start, step.tail, report.violations[before:]):
            return False
        await self._holds.remove(ops)
        return True

    def _look_at(self, task: Document | None) -> datetime:
        """When a hold has been open for too long."""
        if task is None or _is_final(task):
            return self._now
        deadline: datetime = task["deadline_at"]
        return deadline + HOLD_GRACE

    async def due_holds(self) -> DueHolds:
        """What has become of the holds that it is time to look at; changes nothing."""
        found, now = DueHolds(), self._now
        holds = await self._holds.due(now, MOST_LOOKED_AT)
        tasks = await self._books.tasks_of(hold.task_id for hold in holds)
        ended = await self._books.ended(holds)
        for hold in holds:
            task = tasks.get(hold.task_id)
            if hold.op in ended:
                found.ended.append(hold)
                continue
            if (violation := check_hold(hold, task, now)) is not None:
                found.violations.append(violation)
                if task is not None and not _is_final(task):
                    found.overdue.append(hold)
            elif task is not None:
                found.later[hold.op] = self._look_at(task) + timedelta(milliseconds=1)
            if task is None:
                found.without_task.append(hold)
        return found


def _is_final(task: Document | None) -> bool:
    return task is not None and task["state"] in FINAL


def _hold_op(end: Placed) -> str:
    """What the hold that an end dissolves is called."""
    task_id, op = end.entry.task_id or "", end.entry.op
    if is_account(end.chain):
        return f"hold:{task_id}"
    return f"coupon:{op.removeprefix('coupon-end:')}"
