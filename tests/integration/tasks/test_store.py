"""Guarded moves and shared-out due tasks, against a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.mongo import Database
from shared.tasks.lifecycle import ForbiddenMove, Role, State
from shared.tasks.model import Task, Waiting
from shared.tasks.store import Move, Refused, TaskStore
from tests.unit.building import NOON, StillClock, attempt, task_document

SECOND = timedelta(seconds=1)
HOLD = timedelta(seconds=5)
DUE = NOON - SECOND


@pytest.fixture
def router(database: Database, clock: StillClock) -> TaskStore:
    return TaskStore(database, clock, Role.ROUTER)


@pytest.fixture
def worker(database: Database, clock: StillClock) -> TaskStore:
    return TaskStore(database, clock, Role.WORKER)


async def stored(store: TaskStore, *documents: dict[str, Any]) -> list[Task]:
    await store.insert(documents)
    return [Task.model_validate(one) for one in documents]


async def reread(store: TaskStore, task: Task) -> Task:
    (now,) = await store.load([task.id])
    return now


def rejected(task: Task) -> Move:
    return Move(task, State.REJECTED, HOLD, set={"failure": {"error_class": "unknown", "message": "no"}})


async def test_a_move_changes_state_version_history_and_the_next_look(router: TaskStore) -> None:
    (task,) = await stored(router, task_document(faults=3))
    opened = attempt().model_dump(exclude_none=True)

    assert await router.move([Move(task, State.DISPATCHED, HOLD, push={"attempts": opened})]) == [True]

    now = await reread(router, task)
    assert (now.state, now.version, now.wake_at, now.faults) == (State.DISPATCHED, 1, NOON + HOLD, 0)
    assert [change.state for change in now.history] == [State.QUEUED, State.DISPATCHED]
    assert now.attempts == (attempt(),)


async def test_of_two_who_read_the_same_task_one_moves_it(database: Database, clock: StillClock) -> None:
    stores = [TaskStore(database, clock, Role.ROUTER) for _ in range(2)]
    tasks = await stored(stores[0], *(task_document() for _ in range(50)))

    made = await asyncio.gather(*(store.move([rejected(task) for task in tasks]) for store in stores))

    assert all(first != second for first, second in zip(*made, strict=True))
    assert {task.version for task in await stores[0].load([task.id for task in tasks])} == {1}


async def test_a_move_made_from_an_old_reading_is_lost_and_changes_nothing(router: TaskStore) -> None:
    (task,) = await stored(router, task_document())
    await router.move([rejected(task)])
    before = await reread(router, task)

    assert await router.move([Move(task, State.DISPATCHED, HOLD)]) == [False]
    assert await reread(router, task) == before


async def test_of_two_workers_who_take_over_the_same_job_one_gets_it(
    database: Database, clock: StillClock
) -> None:
    stores = [TaskStore(database, clock, Role.WORKER) for _ in range(2)]
    (task,) = await stored(stores[0], task_document(State.RUNNING, owner="own_dead"))

    made = await asyncio.gather(
        *(
            store.move([Move(task, State.RUNNING, HOLD, set={"owner": f"own_{number}"})])
            for number, store in enumerate(stores)
        )
    )

    assert sorted(made) == [[False], [True]]
    assert (await reread(stores[0], task)).owner == f"own_{made.index([True])}"


async def test_losers_in_a_batch_do_not_take_winners_with_them(router: TaskStore) -> None:
    tasks = await stored(router, *(task_document() for _ in range(5)))
    await router.move([rejected(tasks[1]), rejected(tasks[3])])

    assert await router.move([rejected(task) for task in tasks]) == [True, False, True, False, True]


async def test_a_move_of_a_task_that_does_not_exist_is_lost(router: TaskStore) -> None:
    assert await router.move([rejected(Task.model_validate(task_document()))]) == [False]
    assert await router.move([]) == []


async def test_a_move_that_belongs_to_another_service_is_forbidden_and_nothing_of_the_batch_happens(
    router: TaskStore,
) -> None:
    mine, other = await stored(router, task_document(), task_document(State.GENERATED))

    with pytest.raises(ForbiddenMove, match="router may not move a task from generated to completed"):
        await router.move([rejected(mine), Move(other, State.COMPLETED, None)])
    assert (await reread(router, mine)).state is State.QUEUED


async def test_a_final_move_takes_the_next_look_away(database: Database, clock: StillClock) -> None:
    billing = TaskStore(database, clock, Role.BILLING)
    (task,) = await stored(billing, task_document(State.GENERATED, outputs=1))

    await billing.move([Move(task, State.COMPLETED, None)])

    document = await database["tasks"].find_one({"_id": task.id})
    assert document is not None
    assert document["state"] == "completed"
    assert "wake_at" not in document
    assert await billing.load([task.id]) == []


async def test_an_id_that_exists_is_left_as_it_is_and_named(router: TaskStore) -> None:
    (task,) = await stored(router, task_document(State.REJECTED))
    new = task_document()

    assert await router.insert([task_document(_id=task.id), new]) == Refused(taken=frozenset({task.id}))
    assert (await reread(router, task)).state is State.REJECTED
    assert len(await router.load([new["_id"]])) == 1


async def test_a_document_that_cannot_be_read_does_not_hide_its_neighbours(
    database: Database, router: TaskStore
) -> None:
    good, bad = task_document(), task_document()
    await router.insert([good, bad])
    await database["tasks"].update_one({"_id": bad["_id"]}, {"$set": {"state": "of a later version"}})

    assert [task.id for task in await router.load([good["_id"], bad["_id"], "gen_unknown"])] == [good["_id"]]


async def test_due_tasks_are_given_as_they_were_before(router: TaskStore) -> None:
    (task,) = await stored(router, task_document(wake_at=DUE))

    assert await router.claim_due([State.QUEUED], 10, HOLD) == [task]
    assert task.wake_at == DUE
    assert (await reread(router, task)).wake_at == NOON + HOLD


async def test_a_task_read_by_the_sweeper_can_still_be_moved(router: TaskStore) -> None:
    await stored(router, task_document(wake_at=DUE))
    (swept,) = await router.claim_due([State.QUEUED], 10, HOLD)

    assert await router.move([rejected(swept)]) == [True]


async def test_only_due_tasks_of_the_wanted_states_are_claimed_up_to_the_limit(router: TaskStore) -> None:
    due = await stored(router, *(task_document(wake_at=DUE) for _ in range(3)))
    await stored(
        router,
        task_document(wake_at=NOON + SECOND),
        task_document(State.GENERATED, wake_at=DUE),
        task_document(State.COMPLETED, wake_at=None),
    )

    first = await router.claim_due([State.QUEUED, State.ATTEMPT_FAILED], 2, HOLD)
    second = await router.claim_due([State.QUEUED, State.ATTEMPT_FAILED], 2, HOLD)

    assert (len(first), len(second)) == (2, 1)
    assert {task.id for task in [*first, *second]} == {task.id for task in due}


async def test_a_claimed_task_comes_up_again_when_its_claimer_dies(
    router: TaskStore, clock: StillClock
) -> None:
    await stored(router, task_document(wake_at=DUE))
    await router.claim_due([State.QUEUED], 10, HOLD)
    clock.forward(seconds=4.9)
    assert await router.claim_due([State.QUEUED], 10, HOLD) == []

    clock.forward(seconds=0.1)
    assert len(await router.claim_due([State.QUEUED], 10, HOLD)) == 1


async def test_replicas_share_due_tasks_out_without_overlap(database: Database, clock: StillClock) -> None:
    stores = [TaskStore(database, clock, Role.ROUTER) for _ in range(4)]
    tasks = await stored(stores[0], *(task_document(wake_at=DUE) for _ in range(300)))

    claimed: list[str] = []
    while rounds := await asyncio.gather(*(store.claim_due([State.QUEUED], 60, HOLD) for store in stores)):
        ids = [task.id for tasks_of_one in rounds for task in tasks_of_one]
        claimed += ids
        if not ids:
            break

    assert sorted(claimed) == sorted(task.id for task in tasks)


async def test_the_overdue_are_those_long_enough_past_their_deadline(router: TaskStore) -> None:
    states = [State.DISPATCHED, State.RUNNING]
    fields = [
        {"deadline_at": NOON - timedelta(seconds=30)},
        {"deadline_at": NOON - timedelta(seconds=29)},
        {"deadline_at": NOON + timedelta(seconds=30)},
    ]
    overdue, *_ = await stored(router, *(task_document(State.RUNNING, wake_at=DUE, **one) for one in fields))

    claimed = await router.claim_due(states, 10, HOLD, overdue_by=timedelta(seconds=30))

    assert [task.id for task in claimed] == [overdue.id]


async def test_waiting_sets_time_and_reason_of_the_tasks_as_they_were_read_only(router: TaskStore) -> None:
    waits, moved, longer = await stored(router, *(task_document() for _ in range(3)))
    await router.move([rejected(moved)])
    waiting = Waiting(until=NOON + timedelta(minutes=3), reason="rate_limit")
    till_later = Waiting(until=NOON + timedelta(minutes=9), reason="breaker open")

    await router.wait([(waits, waiting), (moved, waiting), (longer, till_later)], timedelta(hours=1))

    for task, expected in ((waits, waiting), (longer, till_later)):
        now = await reread(router, task)
        assert (now.wake_at, now.waiting, now.version) == (expected.until, expected, 0)
    assert (await reread(router, moved)).wake_at == NOON + HOLD
    assert (await reread(router, moved)).waiting is None


async def test_a_task_that_is_cancelled_meanwhile_does_not_wait(router: TaskStore) -> None:
    (task,) = await stored(router, task_document())
    await router.request_cancel(task.id, task.account_id)

    await router.wait(
        [(task, Waiting(until=NOON + timedelta(minutes=3), reason="quota"))], timedelta(hours=1)
    )

    assert (await reread(router, task)).wake_at == NOON
    await router.wait([], timedelta(hours=1))


async def test_due_tasks_of_full_providers_are_left_to_others(router: TaskStore) -> None:
    tasks = await stored(
        router,
        *(task_document(provider=provider, wake_at=DUE) for provider in ("fal", "kie", "fal")),
        task_document(wake_at=DUE),
    )

    claimed = await router.claim_due([State.QUEUED], 10, HOLD, but_not_of=["fal", "gemini"])
    assert {task.id for task in claimed} == {tasks[1].id, tasks[3].id}

    rest = await router.claim_due([State.QUEUED], 10, HOLD)
    assert {task.id for task in rest} == {tasks[0].id, tasks[2].id}


async def test_full_providers_do_not_hide_what_is_behind_them(router: TaskStore) -> None:
    await stored(router, *(task_document(provider="fal", wake_at=DUE - HOLD) for _ in range(5)))
    (behind,) = await stored(router, task_document(provider="kie", wake_at=DUE))

    claimed = await router.claim_due([State.QUEUED], 1, HOLD, but_not_of=["fal"])
    assert [task.id for task in claimed] == [behind.id]


async def test_settled_tasks_are_never_looked_at_again(router: TaskStore) -> None:
    (task,) = await stored(router, task_document(State.COMPLETED, wake_at=DUE))
    await router.settle_down([task.id])

    assert await router.claim_due([State.COMPLETED], 10, HOLD) == []


async def test_only_leases_that_the_owner_still_holds_are_renewed(worker: TaskStore) -> None:
    mine, theirs = await stored(
        worker,
        task_document(State.RUNNING, owner="own_1"),
        task_document(State.RUNNING, owner="own_2"),
    )
    await worker.renew([mine.id, theirs.id], "own_1", timedelta(seconds=30))

    assert (await reread(worker, mine)).wake_at == NOON + timedelta(seconds=30)
    assert (await reread(worker, theirs)).wake_at == theirs.wake_at
    assert await worker.still_owned([mine.id, theirs.id], "own_1") == {mine.id: False}


async def test_who_renews_hears_of_cancellations(worker: TaskStore) -> None:
    documents = [task_document(State.RUNNING, owner="own_1", attempts=(attempt(),)) for _ in range(2)]
    kept, unwanted = await stored(worker, *documents)
    await worker.request_cancel(unwanted.id, unwanted.account_id)

    held = await worker.still_owned([kept.id, unwanted.id], "own_1")
    assert held == {kept.id: False, unwanted.id: True}


async def test_given_back_tasks_are_due_at_once_and_their_old_owner_writes_no_more(worker: TaskStore) -> None:
    mine, theirs = await stored(
        worker,
        task_document(State.RUNNING, owner="own_1", attempts=(attempt(),)),
        task_document(State.RUNNING, owner="own_2", attempts=(attempt(),)),
    )
    await worker.give_back([mine.id, theirs.id], "own_1")

    assert [task.id for task in await worker.claim_due([State.RUNNING], 10, HOLD)] == [mine.id]
    assert await worker.move([Move(mine, State.GENERATED, HOLD)]) == [False]
    assert await worker.move([Move(theirs, State.GENERATED, HOLD)]) == [True]
    assert (await reread(worker, mine)).owner is None


async def test_a_task_given_back_is_due_for_a_clock_that_is_a_little_behind(
    database: Database, worker: TaskStore
) -> None:
    await stored(worker, task_document(State.RUNNING, owner="own_1"))
    (task,) = await worker.load([one["_id"] async for one in database["tasks"].find()])
    await worker.give_back([task.id], "own_1")
    behind = TaskStore(database, StillClock(NOON - timedelta(milliseconds=900)), Role.WORKER)

    assert len(await behind.claim_due([State.RUNNING], 10, HOLD)) == 1


async def test_each_fault_in_a_row_puts_the_task_off_for_longer(router: TaskStore, clock: StillClock) -> None:
    (task,) = await stored(router, task_document())
    waits = []
    for _ in range(7):
        task = await reread(router, task)
        await router.record_fault(task)
        waits.append(_seconds_from(clock.at, await reread(router, task)))

    assert waits == [2, 4, 8, 16, 32, 60, 60]
    assert (await reread(router, task)).faults == 7


async def test_a_fault_of_an_old_reading_is_not_recorded(router: TaskStore) -> None:
    (task,) = await stored(router, task_document())
    await router.move([rejected(task)])
    await router.record_fault(task)

    assert (await reread(router, task)).faults == 0


def _seconds_from(moment: datetime, task: Task) -> float:
    assert task.wake_at is not None
    return (task.wake_at - moment).total_seconds()


async def test_sweeping_reads_the_index_of_states_and_times(database: Database, router: TaskStore) -> None:
    await stored(router, *(task_document(wake_at=NOON + timedelta(hours=1)) for _ in range(200)))
    await stored(router, task_document(wake_at=DUE))
    await database.command("profile", 2)
    await router.claim_due([State.QUEUED, State.ATTEMPT_FAILED], 10, HOLD)
    await database.command("profile", 0)
    profiled: Sequence[dict[str, Any]] = (
        await database["system.profile"].find({"command.find": "tasks"}).to_list()
    )

    # One scan of the index for each state, merged by time.
    (plan,) = (one["planSummary"] for one in profiled)
    assert plan == ", ".join(["IXSCAN { state: 1, wake_at: 1 }"] * 2)
    assert not profiled[0].get("hasSortStage")
    assert profiled[0]["docsExamined"] == 1


async def test_those_due_for_longest_come_first_whatever_their_state(router: TaskStore) -> None:
    waiting = [task_document(wake_at=DUE) for _ in range(3)]
    longest = task_document(state=State.ATTEMPT_FAILED, wake_at=DUE - timedelta(minutes=10))
    await stored(router, *waiting, longest)

    (first,) = await router.claim_due([State.QUEUED, State.ATTEMPT_FAILED], 1, HOLD)

    assert first.id == longest["_id"]


async def test_a_task_that_cannot_be_read_makes_room_for_the_others(router: TaskStore) -> None:
    strange = {**task_document(wake_at=DUE - timedelta(minutes=10)), "quote": "of a later version"}
    good = task_document(wake_at=DUE)
    await router.insert([strange, good])

    assert await router.claim_due([State.QUEUED], 1, HOLD) == []
    (claimed,) = await router.claim_due([State.QUEUED], 1, HOLD)

    assert claimed.id == good["_id"]
