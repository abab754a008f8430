"""Handing tasks to handlers, by id and by the sweeper; the guilty stand alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from pymongo.errors import AutoReconnect, ServerSelectionTimeoutError

from shared.killpoints import KillPoints
from shared.mongo import Database, DatabaseUnavailable
from shared.tasks.intake import BatchHandler, Intake
from shared.tasks.lifecycle import Role, State, consumed_by
from shared.tasks.model import Task
from shared.tasks.service import TaskTools
from shared.tasks.store import Move
from shared.tasks.sweeper import Sweeper
from tests.integration.conftest import Eventually, Start, ToolsOf
from tests.unit.building import NOON, task_document

DUE = NOON - timedelta(seconds=1)


class Handler:
    """Rejects tasks; stumbles over some of them."""

    def __init__(
        self, tools: TaskTools, stumbles: Callable[[Task], BaseException | None] = lambda _: None
    ) -> None:
        self._tools = tools
        self._stumbles = stumbles
        self.batches: list[list[str]] = []

    async def __call__(self, tasks: Sequence[Task]) -> None:
        self.batches.append([task.id for task in tasks])
        for task in tasks:
            if (error := self._stumbles(task)) is not None:
                raise error
        await self._tools.store.move([Move(task, State.REJECTED, timedelta(seconds=5)) for task in tasks])


@pytest.fixture
def router(tools_of: ToolsOf) -> TaskTools:
    return tools_of(Role.ROUTER)


def intake(tools: TaskTools, handler: BatchHandler) -> Intake:
    return Intake(tools.store, tools.mover, {State.QUEUED: handler, State.ATTEMPT_FAILED: handler})


async def insert(tools: TaskTools, count: int, state: State = State.QUEUED) -> list[str]:
    documents = [task_document(state, wake_at=DUE) for _ in range(count)]
    await tools.store.insert(documents)
    return [one["_id"] for one in documents]


async def states(database: Database) -> dict[str, str]:
    return {task["_id"]: task["state"] async for task in database["tasks"].find()}


async def test_tasks_of_one_state_are_handled_in_one_batch_and_once_though_named_twice(
    router: TaskTools,
) -> None:
    handler = Handler(router)
    ids = await insert(router, 4)

    assert await intake(router, handler).take_ids([*ids, *ids, "gen_unknown"]) == set()
    assert [sorted(batch) for batch in handler.batches] == [sorted(ids)]


async def test_each_state_has_a_batch_of_its_own(router: TaskTools) -> None:
    handler = Handler(router)
    ids = [await insert(router, 2, State.QUEUED), await insert(router, 3, State.ATTEMPT_FAILED)]

    await intake(router, handler).take_ids([*ids[0], *ids[1]])

    assert sorted(len(batch) for batch in handler.batches) == [2, 3]


async def test_a_task_in_a_state_that_is_not_ours_is_left_alone(
    database: Database, router: TaskTools
) -> None:
    handler = Handler(router)
    (task_id,) = await insert(router, 1, State.RUNNING)

    assert await intake(router, handler).take_ids([task_id]) == set()
    assert handler.batches == []
    assert await states(database) == {task_id: "running"}


@pytest.mark.parametrize("size", [1, 2, 7, 16])
async def test_a_poisonous_task_stands_alone_and_its_neighbours_are_done(
    database: Database, router: TaskTools, size: int
) -> None:
    ids = await insert(router, size)
    poison = ids[size // 2]
    handler = Handler(router, lambda task: ValueError("unforeseen") if task.id == poison else None)

    assert await intake(router, handler).take_ids(ids) == {poison}

    after = await states(database)
    assert {task_id for task_id, state in after.items() if state == "rejected"} == set(ids) - {poison}
    faulty = await database["tasks"].find_one({"_id": poison})
    assert faulty is not None
    assert (faulty["state"], faulty["faults"]) == ("queued", 1)
    assert faulty["wake_at"] == NOON + timedelta(seconds=2)


async def test_several_poisonous_tasks_are_all_named(database: Database, router: TaskTools) -> None:
    ids = await insert(router, 10)
    poison = {ids[0], ids[4], ids[5], ids[9]}
    handler = Handler(router, lambda task: KeyError("unforeseen") if task.id in poison else None)

    assert await intake(router, handler).take_ids(ids) == poison
    assert list((await states(database)).values()).count("rejected") == 6


@pytest.mark.parametrize(
    "error", [AutoReconnect("away"), ServerSelectionTimeoutError("away"), DatabaseUnavailable()]
)
async def test_a_database_that_is_away_is_nobodys_fault(
    database: Database, router: TaskTools, error: Exception
) -> None:
    ids = await insert(router, 4)
    handler = Handler(router, lambda task: error)

    with pytest.raises(type(error)):
        await intake(router, handler).take_ids(ids)
    assert len(handler.batches) == 1
    assert await database["tasks"].count_documents({"faults": {"$exists": True}}) == 0


async def test_batches_do_not_overlap(router: TaskTools) -> None:
    inside = 0

    async def handler(tasks: Sequence[Task]) -> None:
        nonlocal inside
        inside += 1
        assert inside == 1
        await asyncio.sleep(0.005)
        inside -= 1

    ids = await insert(router, 6)
    taking = intake(router, handler)

    assert await asyncio.gather(*(taking.take_ids([task_id]) for task_id in ids)) == [set()] * 6


async def test_the_sweeper_finds_what_no_message_told_of(
    database: Database, router: TaskTools, running: Start, eventually: Eventually
) -> None:
    ids = await insert(router, 30)
    later = task_document(wake_at=NOON + timedelta(minutes=1))
    await router.store.insert([later])
    running(
        Sweeper(
            router.store, intake(router, Handler(router)), consumed_by(Role.ROUTER), KillPoints(), lambda: 8
        ).run()
    )

    async def done() -> bool:
        return await database["tasks"].count_documents({"state": "rejected"}) == 30

    await eventually(done)
    assert (await states(database))[later["_id"]] == "queued"
    assert len(ids) == 30


async def test_a_sweeper_without_room_takes_nothing(router: TaskTools) -> None:
    await insert(router, 3)
    handler = Handler(router)
    sweeper = Sweeper(
        router.store, intake(router, handler), consumed_by(Role.ROUTER), KillPoints(), lambda: 0
    )

    assert await sweeper._sweep() is False
    assert handler.batches == []


async def test_a_sweep_during_an_outage_is_only_put_off(router: TaskTools) -> None:
    await insert(router, 3)
    outages = [AutoReconnect("away")]
    handler = Handler(router, lambda task: outages.pop() if outages else None)
    sweeper = Sweeper(
        router.store, intake(router, handler), consumed_by(Role.ROUTER), KillPoints(), lambda: 3
    )

    assert await sweeper._sweep() is False
    assert len(handler.batches) == 1


async def test_a_full_batch_is_followed_by_another_at_once(router: TaskTools) -> None:
    await insert(router, 5)
    sweeper = Sweeper(
        router.store, intake(router, Handler(router)), consumed_by(Role.ROUTER), KillPoints(), lambda: 3
    )

    assert [await sweeper._sweep(), await sweeper._sweep(), await sweeper._sweep()] == [True, False, False]
