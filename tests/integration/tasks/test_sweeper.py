"""The sweeper takes what there is room for, and leaves the rest to its siblings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

import pytest

from shared.killpoints import KillPoints
from shared.tasks.intake import Intake
from shared.tasks.lifecycle import Role, State
from shared.tasks.model import Task
from shared.tasks.service import TaskTools
from shared.tasks.sweeper import Sweeper
from tests.integration.conftest import Eventually, Start, ToolsOf
from tests.unit.building import NOON, attempt, task_document

DUE = NOON - timedelta(seconds=1)


class Room:
    """How much fits, as a test says."""

    def __init__(self, places: int = 100, full: Collection[str] = ()) -> None:
        self.places = places
        self.full = full
        self.asked = 0

    def most_room(self) -> int:
        self.asked += 1
        return self.places

    def full_providers(self) -> Collection[str]:
        return self.full


class Taken:
    """Remembers the ids of the tasks it was given."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    async def __call__(self, tasks: Sequence[Task]) -> None:
        self.ids += [task.id for task in tasks]


@pytest.fixture
def worker(tools_of: ToolsOf) -> TaskTools:
    return tools_of(Role.WORKER)


def sweeper(tools: TaskTools, taken: Taken, room: Room) -> Sweeper:
    intake = Intake(tools.store, tools.mover, {State.DISPATCHED: taken})
    return Sweeper(tools.store, intake, [State.DISPATCHED], KillPoints(), room.most_room, room.full_providers)


async def dispatched(tools: TaskTools, *providers: str) -> list[str]:
    documents = [
        task_document(
            State.DISPATCHED, provider=provider, wake_at=DUE, attempts=(attempt(f"{provider}:banana"),)
        )
        for provider in providers
    ]
    await tools.store.insert(documents)
    return [document["_id"] for document in documents]


async def test_tasks_of_full_providers_are_taken_once_there_is_room(
    worker: TaskTools, running: Start, eventually: Eventually
) -> None:
    fal, kie = await dispatched(worker, "fal", "kie")
    taken, room = Taken(), Room(full=["fal"])
    running(sweeper(worker, taken, room).run())
    await eventually(lambda: taken.ids == [kie])

    room.full = ()
    await eventually(lambda: taken.ids == [kie, fal])


async def test_without_any_room_nothing_is_claimed(
    worker: TaskTools, running: Start, eventually: Eventually
) -> None:
    (task_id,) = await dispatched(worker, "fal")
    taken, room = Taken(), Room(places=0)
    running(sweeper(worker, taken, room).run())
    await eventually(lambda: room.asked >= 2)

    (task,) = await worker.store.load([task_id])
    assert (task.wake_at, taken.ids) == (DUE, [])


async def test_more_than_fits_is_taken_one_roomful_after_the_other(
    worker: TaskTools, running: Start, eventually: Eventually
) -> None:
    ids = await dispatched(worker, *["fal"] * 7)
    taken = Taken()
    running(sweeper(worker, taken, Room(places=3)).run())

    await eventually(lambda: len(taken.ids) == 7)
    assert sorted(taken.ids) == sorted(ids)
