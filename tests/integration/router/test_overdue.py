"""What workers leave lying past its deadline is given up by the router."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.router.overdue import GRACE, OverdueWatch
from shared.mongo import Database
from shared.providers.errors import ErrorClass
from shared.tasks.lifecycle import Role, State
from shared.tasks.model import Task
from tests.integration.recording import Bell, tools_with
from tests.unit.building import NOON, StillClock, attempt, task_document


@pytest.mark.parametrize("state", [State.DISPATCHED, State.SUBMITTING, State.RUNNING])
async def test_a_task_that_no_worker_ends_is_rejected_a_while_after_its_deadline(
    database: Database, clock: StillClock, state: State
) -> None:
    bell = Bell()
    watch = OverdueWatch(tools_with(bell, database, clock, Role.ROUTER))
    late, lively = (
        task_document(state, attempts=(attempt(),), deadline_at=NOON, wake_at=NOON + wake)
        for wake in (GRACE, GRACE + timedelta(seconds=1))
    )
    await database["tasks"].insert_many([late, lively])
    clock.at = NOON + GRACE - timedelta(milliseconds=1)
    assert await watch.look() == 0

    clock.at = NOON + GRACE
    assert await watch.look() == 1
    task = Task.model_validate(await database["tasks"].find_one({"_id": late["_id"]}))
    assert task.state is State.REJECTED
    assert task.failure is not None
    assert task.failure.error_class is ErrorClass.DEADLINE
    assert bell.told_of("task.rejected") == [task.id]
    # The lease of the other has not run out: a worker is still at it.
    assert (await database["tasks"].find_one({"_id": lively["_id"]}) or {})["state"] == state
