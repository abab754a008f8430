"""Whose a task is: claims, places, take-overs, lost leases and the end of a worker."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.mongo import Database
from shared.providers.base import ProviderJob, Running
from shared.providers.errors import ErrorClass
from shared.tasks.lifecycle import State
from shared.tasks.model import ProviderJobRecord
from tests.integration.conftest import Eventually, Start
from tests.integration.worker.conftest import Hire
from tests.integration.worker.rig import HARDLY_EVER, OWNER, PLACES, dispatched, in_hand
from tests.unit.building import NOON, StillClock
from tests.unit.worker.providers import JOB, Scripted, done
from tests.unit.worker.storage import png

SHORT = timedelta(milliseconds=30)
RECORD = ProviderJobRecord(ids=("job_7",), urls={"status": "https://queue.example/7"})


async def test_no_more_is_claimed_than_there_are_places(hire: Hire, eventually: Eventually) -> None:
    rig = hire(Scripted(), poll=HARDLY_EVER)
    tasks = await rig.take(*(dispatched() for _ in range(PLACES + 2)))
    await eventually(lambda: len(rig.provider.requests) == PLACES)

    left = [task for task in tasks if (await rig.read(task)).state is State.DISPATCHED]
    assert len(left) == 2
    assert rig.capacity.left("fal") == 0
    await rig.again(*left)
    assert len(rig.provider.requests) == PLACES


async def test_a_task_that_another_worker_has_claimed_takes_no_place(
    hire: Hire, eventually: Eventually
) -> None:
    first, second = hire(Scripted(), poll=HARDLY_EVER), hire(Scripted(), poll=HARDLY_EVER)
    (task,) = await first.take(dispatched())
    await second.again(task)

    assert (first.capacity.in_hand("fal"), second.capacity.in_hand("fal")) == (1, 0)
    assert second.provider.requests == []


async def test_a_place_is_taken_while_its_task_is_being_claimed(hire: Hire) -> None:
    rig = hire(Scripted(holds_submits=True))
    seen: list[int] = []
    rig.bell.on_publish = lambda: seen.append(rig.capacity.in_hand("fal"))
    await rig.take(dispatched(), dispatched())
    rig.provider.let_go.set()

    # Once for the cancelled ones, of which there are none, once for the claims.
    assert seen[:2] == [0, 2]


@pytest.mark.parametrize("expired", [True, False])
async def test_a_job_goes_on_under_a_new_owner_once_its_lease_has_run_out(
    hire: Hire, eventually: Eventually, clock: StillClock, expired: bool
) -> None:
    rig = hire(Scripted(polls=[done(png())]))
    clock.forward(seconds=0 if expired else -1)
    (task,) = await rig.take(in_hand(State.RUNNING, provider_job=RECORD, submitted_at=NOON))
    await eventually(lambda: rig.idle)

    if expired:
        assert (await rig.read(task)).state is State.GENERATED
        assert rig.provider.polled == [ProviderJob(RECORD.ids, RECORD.urls)]
        assert rig.provider.requests == []
    else:
        assert await rig.read(task) == task


@pytest.mark.parametrize("expired", [True, False])
async def test_a_hand_over_that_was_interrupted_may_have_left_a_job(
    hire: Hire, clock: StillClock, expired: bool
) -> None:
    rig = hire(Scripted())
    clock.forward(seconds=0 if expired else -1)
    (task,) = await rig.take(in_hand(State.SUBMITTING))

    now = await rig.read(task)
    if expired:
        assert now.attempt.error_class is ErrorClass.SUBMIT_AMBIGUOUS
        assert (now.attempt.orphan_suspect, now.attempt.unaccounted) == (True, 1)
    else:
        assert now == task
    assert rig.provider.requests == []


async def test_a_lease_that_went_to_somebody_else_ends_the_run_without_a_trace(
    hire: Hire, database: Database, running: Start, eventually: Eventually
) -> None:
    rig = hire(Scripted(), poll=HARDLY_EVER, lease=SHORT)
    (task,) = await rig.take(dispatched())
    await eventually(lambda: len(rig.provider.polled) == 1)
    await database["tasks"].update_one({"_id": task.id}, {"$set": {"owner": "own_2"}})
    before = await rig.read(task)
    running(rig.handlers.keep_leases())

    await eventually(lambda: rig.idle)
    assert await rig.read(task) == before
    assert rig.provider.cancelled == []


async def test_a_result_after_the_lease_is_lost_is_not_recorded(
    hire: Hire, database: Database, eventually: Eventually
) -> None:
    rig = hire(Scripted(polls=[Running(), done(png())]), poll=HARDLY_EVER)
    (task,) = await rig.take(dispatched())
    await eventually(lambda: len(rig.provider.polled) == 1)
    await database["tasks"].update_one({"_id": task.id}, {"$set": {"owner": "own_2"}, "$inc": {"version": 1}})
    before = await rig.read(task)
    rig.handlers.hinted([task.id])

    await eventually(lambda: rig.idle)
    assert await rig.read(task) == before


async def test_leases_are_renewed_and_a_cancellation_is_heard_of_even_if_its_event_is_lost(
    hire: Hire, database: Database, running: Start, eventually: Eventually, clock: StillClock
) -> None:
    rig = hire(Scripted(), poll=HARDLY_EVER, lease=SHORT)
    (task,) = await rig.take(dispatched())
    await eventually(lambda: len(rig.provider.polled) == 1)
    clock.forward(seconds=10)
    running(rig.handlers.keep_leases())

    async def renewed() -> bool:
        return (await rig.read(task)).wake_at == clock.now() + SHORT

    await eventually(renewed)
    await database["tasks"].update_one({"_id": task.id}, {"$set": {"cancel_requested_at": clock.now()}})
    await eventually(lambda: rig.idle)
    assert (await rig.read(task)).attempt.error_class is ErrorClass.CANCELLED
    assert rig.provider.cancelled == [JOB]


async def test_a_worker_that_stops_gives_its_jobs_back_and_tells_its_siblings(
    hire: Hire, eventually: Eventually
) -> None:
    rig = hire(Scripted(), poll=HARDLY_EVER)
    (task,) = await rig.take(dispatched())
    await eventually(lambda: len(rig.provider.polled) == 1)
    await rig.handlers.drain()

    now = await rig.read(task)
    assert (now.state, now.owner) == (State.RUNNING, None)
    assert now.wake_at is not None
    assert now.wake_at < NOON
    assert (now.attempt.orphan_suspect, rig.provider.cancelled) == (False, [])
    assert rig.bell.told_of("attempt.dispatched") == [task.id]
    assert rig.capacity.left("fal") == 0


async def test_a_worker_that_stops_finishes_a_hand_over_so_that_its_job_is_known(
    hire: Hire, eventually: Eventually, running: Start
) -> None:
    rig = hire(Scripted(holds_submits=True))
    (task,) = await rig.take(dispatched())
    await eventually(lambda: len(rig.provider.requests) == 1)
    draining = running(rig.handlers.drain())
    await eventually(lambda: rig.capacity.left("fal") == 0)
    rig.provider.let_go.set()
    await draining

    now = await rig.read(task)
    assert now.attempt.provider_job is not None
    assert (now.state, now.owner, now.attempt.provider_job.ids) == (State.RUNNING, None, JOB.ids)

    sibling = hire(Scripted(polls=[done(png())]))
    await sibling.again(now)
    await eventually(lambda: sibling.idle)
    assert (await rig.read(task)).state is State.GENERATED


async def test_a_claim_names_its_owner(hire: Hire, eventually: Eventually) -> None:
    rig = hire(Scripted(holds_submits=True))
    (task,) = await rig.take(dispatched())

    now = await rig.read(task)
    assert (now.state, now.owner, now.wake_at) == (State.SUBMITTING, OWNER, NOON + timedelta(seconds=30))
    rig.provider.let_go.set()
