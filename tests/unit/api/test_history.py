"""A task's past in a dialect's words."""

from __future__ import annotations

from datetime import timedelta

from services.api.dialects.eggapi.mapping import status_of
from services.api.history import changes
from shared.tasks.lifecycle import State
from shared.tasks.model import StateChange, Task
from tests.unit.building import NOON, a_task, attempt

PATH = (
    State.QUEUED,
    State.DISPATCHED,
    State.SUBMITTING,
    State.ATTEMPT_FAILED,
    State.DISPATCHED,
    State.SUBMITTING,
    State.RUNNING,
    State.RUNNING,
    State.GENERATED,
    State.COMPLETED,
)


def task(*path: State) -> Task:
    history = tuple(StateChange(state=state, at=NOON + timedelta(seconds=n)) for n, state in enumerate(path))
    attempts = tuple(attempt(number=n + 1) for n in range(path.count(State.DISPATCHED)))
    started = NOON + timedelta(seconds=6) if State.RUNNING in path else None
    return a_task(path[-1], attempts=attempts).model_copy(update={"history": history, "started_at": started})


def seen(one: Task, after: int = -1) -> list[tuple[int, str, bool]]:
    return [(change.number, change.status, change.final) for change in changes(one, status_of, after)]


def test_a_whole_life_is_told_in_three_words() -> None:
    assert seen(task(*PATH)) == [(0, "pending", False), (3, "processing", False), (9, "completed", True)]


def test_a_change_has_the_time_of_its_move() -> None:
    assert [change.at for change in changes(task(*PATH), status_of)] == [
        NOON + timedelta(seconds=n) for n in (0, 3, 9)
    ]


def test_going_on_after_any_move_tells_what_is_left_and_nothing_twice() -> None:
    whole = seen(task(*PATH))
    for after in range(len(PATH)):
        assert seen(task(*PATH), after) == [change for change in whole if change[0] > after]


def test_looking_again_and_again_tells_the_same_as_looking_once() -> None:
    told, after = [], -1
    for length in range(1, len(PATH) + 1):
        told += seen(task(*PATH[:length]), after)
        after = length - 1

    assert told == seen(task(*PATH))


def test_a_move_that_has_not_been_made_is_waited_for() -> None:
    assert seen(task(*PATH), after=99) == []
