"""Ending tasks: capture what was delivered, release the rest, then the final move. Coupons' uses too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

import structlog

from shared.catalog.settle import charge, text_charge, units_of
from shared.clock import Clock
from shared.coupons.entries import uses_ended
from shared.errors import HatcheryError
from shared.killpoints import KillPoints
from shared.ledger.chain import Applied, Ledger, Outcome
from shared.ledger.entry import Entry, end
from shared.providers.errors import ErrorClass
from shared.tasks.intake import Routes
from shared.tasks.lifecycle import State
from shared.tasks.model import Task
from shared.tasks.service import TaskTools
from shared.tasks.store import Move
from shared.telemetry import TASKS_ENDED

log = structlog.get_logger()

NOTIFY_WAKE = timedelta(seconds=5)
"""When no delivery has been made of a final task by then, the notifier's sweeper makes it."""


class SettlementMismatch(HatcheryError):
    """The ledger has another end for this task than its outcome calls for."""


class Settlement:
    """What billing does when tasks end. Per batch one ledger block per account, then the final moves."""

    def __init__(self, tools: TaskTools, ledger: Ledger, clock: Clock, killpoints: KillPoints) -> None:
        self._tools = tools
        self._ledger = ledger
        self._clock = clock
        self._killpoints = killpoints

    def routes(self) -> Routes:
        return {State.GENERATED: self.settle, State.REJECTED: self.settle}

    async def settle(self, tasks: Sequence[Task]) -> None:
        """Capture or release each task's hold and make it final."""
        wanted: defaultdict[str, list[Entry]] = defaultdict(list)
        ends = [endings(task) for task in tasks]
        for one in ends:
            for chain, entry in one.items():
                wanted[chain].append(entry)
        outcomes = await self._ledger.append(wanted)
        self._killpoints.reach("billing.after_block")
        heard = await self._tools.store.heard(tasks)
        moves, mismatch = [], None
        for task, of_task in zip(tasks, ends, strict=True):
            wrong = [error for one in of_task.values() if (error := _mismatch(task, one, outcomes))]
            if wrong:
                mismatch = wrong[0]
            else:
                moves.append(self._final(task, of_task[task.account_id].amount, task.id in heard))
        for move, happened in zip(moves, await self._tools.mover.move(moves), strict=True):
            if happened:
                TASKS_ENDED.labels(move.to).inc()
                log.info(
                    "task ended",
                    task_id=move.task.id,
                    request_id=move.task.request_id,
                    state=move.to,
                    cost_nano=move.set["cost_nano"],
                )
        if mismatch is not None:
            raise mismatch

    def _final(self, task: Task, cost_nano: int, heard: bool) -> Move:
        wake_in = NOTIFY_WAKE if heard else None
        fields = {"cost_nano": cost_nano, "completed_at": self._clock.now()}
        return Move(task, final_state(task), wake_in, set=fields)


def _mismatch(task: Task, wanted: Entry, outcomes: Mapping[str, Outcome]) -> HatcheryError | None:
    """Why the ledger does not have the end that a task's outcome calls for."""
    outcome = outcomes[wanted.op]
    if not isinstance(outcome, Applied):
        return outcome
    if (outcome.entry.amount, outcome.entry.held) != (wanted.amount, wanted.held):
        return SettlementMismatch(f"{task.id}: the ledger has {outcome.entry}")
    return None


def endings(task: Task) -> dict[str, Entry]:
    """What ends in the ledger with a task, by chain: its hold, and the uses of its coupon."""
    money = {task.account_id: ending(task)}
    if task.coupon is None:
        return money
    completed = final_state(task) is State.COMPLETED
    return money | uses_ended(task.coupon, task.account_id, task.id, completed)


def ending(task: Task) -> Entry:
    """The entry that ends a task: its price for what was delivered, nothing for a rejected one."""
    captured, units = _delivered(task) if task.state is State.GENERATED else (0, 0)
    return end(
        task.id, task.quote.hold_nano, captured, task.model, units, task.key_id, held_at=task.created_at
    )


def _delivered(task: Task) -> tuple[int, int]:
    """What it costs, and how many units came."""
    if task.mode == "sync":
        return text_charge(task.quote, task.tokens), 1
    captured = charge(task.quote, task.request, task.outputs)
    return captured, units_of(task.quote.unit, task.request, task.outputs)


def final_state(task: Task) -> State:
    """Where a generated or rejected task ends up."""
    if task.state is State.GENERATED:
        return State.COMPLETED
    cancelled = task.failure is not None and task.failure.error_class is ErrorClass.CANCELLED
    return State.CANCELLED if cancelled else State.FAILED
