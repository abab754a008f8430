"""An attempt from its dispatch to its end, whatever the provider says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.mongo import Database
from shared.providers.base import Accepted, Done, Failed, Output, ProviderJob, Running
from shared.providers.errors import ErrorClass
from shared.tasks.lifecycle import State
from shared.tasks.model import Attempt, Task
from tests.integration.conftest import Eventually
from tests.integration.worker.conftest import Hire
from tests.integration.worker.rig import HARDLY_EVER, KEY, Rig, dispatched
from tests.unit.building import NOON, StillClock, attempt
from tests.unit.worker.providers import JOB, Scripted, done
from tests.unit.worker.storage import png

THREE = ProviderJob(("job_1", "job_2", "job_3"))
PICTURE = done(png(), cost_nano=39_000_000)


async def ended(rig: Rig, eventually: Eventually, **fields: Any) -> tuple[Task, Attempt]:
    """The task after its attempt."""
    (task,) = await rig.take(dispatched(**fields))
    await eventually(lambda: rig.idle)
    now = await rig.read(task)
    return now, now.attempt


async def test_a_job_is_polled_to_its_end_and_its_files_are_kept(hire: Hire, eventually: Eventually) -> None:
    rig = hire(Scripted(polls=[Running(), Running(queue_position=2), PICTURE]))
    task, last = await ended(rig, eventually)

    assert (task.state, task.owner, task.started_at) == (State.GENERATED, None, NOON)
    assert [one.key for one in task.outputs] == [f"images/{task.id}/0.png"]
    assert list(rig.bucket.kept) == [f"images/{task.id}/0.png"]
    assert (last.key_id, last.cost_nano, last.submitted_at) == (KEY, 39_000_000, NOON)
    assert last.provider_job is not None
    assert last.provider_job.ids == JOB.ids
    assert (last.orphan_suspect, last.unaccounted) == (False, 0)
    assert rig.provider.polled == [JOB] * 3
    assert rig.bell.told_of("task.generated") == [task.id]


async def test_a_provider_that_answers_with_the_outputs_is_not_polled(
    hire: Hire, eventually: Eventually
) -> None:
    rig = hire(Scripted(submits=[PICTURE]))
    task, _ = await ended(rig, eventually)

    assert (task.state, rig.provider.polled) == (State.GENERATED, [])


async def test_trouble_with_a_poll_never_ends_an_attempt(hire: Hire, eventually: Eventually) -> None:
    trouble = [Running(note=f"HTTP {status}") for status in (502, 502, 429, 200)]
    rig = hire(Scripted(polls=[*trouble, PICTURE]))
    task, _ = await ended(rig, eventually)

    assert (task.state, len(rig.provider.polled)) == (State.GENERATED, 5)


@pytest.mark.parametrize(
    ("submits", "polls", "error_class", "left_behind"),
    [
        ([Failed(ErrorClass.POLICY_REFUSAL, "no hats")], [], ErrorClass.POLICY_REFUSAL, 0),
        ([Failed(ErrorClass.SUBMIT_AMBIGUOUS, "no answer")], [], ErrorClass.SUBMIT_AMBIGUOUS, 1),
        ([Accepted(JOB)], [Running(), Failed(ErrorClass.NO_OUTPUT, "-")], ErrorClass.NO_OUTPUT, 0),
        ([Accepted(JOB, 2)], [Failed(ErrorClass.TRANSIENT, "-")], ErrorClass.TRANSIENT, 2),
        ([Accepted(JOB)], [Failed(ErrorClass.CANCELLED, "-")], ErrorClass.TRANSIENT, 0),
        ([Accepted(JOB)], [done(b"no picture")], ErrorClass.TRANSIENT, 0),
        ([ZeroDivisionError("a bug")], [], ErrorClass.UNKNOWN, 0),
    ],
)
async def test_a_failed_attempt_tells_why_and_how_many_jobs_may_run_on(
    hire: Hire,
    eventually: Eventually,
    submits: list[Any],
    polls: list[Any],
    error_class: ErrorClass,
    left_behind: int,
) -> None:
    rig = hire(Scripted(submits, polls))
    task, last = await ended(rig, eventually)

    assert (task.state, last.error_class, last.ended_at) == (State.ATTEMPT_FAILED, error_class, NOON)
    assert (last.unaccounted, last.orphan_suspect) == (left_behind, left_behind > 0)
    assert rig.bell.told_of("attempt.failed") == [task.id]


@pytest.mark.parametrize(
    ("accepted", "finished", "left_behind"),
    [(Accepted(JOB, 2), PICTURE, 2), (Accepted(JOB, 1), Done(PICTURE.outputs, unaccounted=1), 2)],
)
async def test_jobs_that_nobody_can_name_are_counted_with_a_success_too(
    hire: Hire, eventually: Eventually, accepted: Accepted, finished: Done, left_behind: int
) -> None:
    task, last = await ended(hire(Scripted([accepted], [finished])), eventually)

    assert (task.state, last.unaccounted, last.orphan_suspect) == (State.GENERATED, left_behind, True)


async def test_whoever_decides_on_the_next_attempt_can_know_what_ended_this_one(
    hire: Hire, eventually: Eventually, database: Database
) -> None:
    limited = Failed(ErrorClass.RATE_LIMIT, "slow down", timedelta(seconds=42))
    _, last = await ended(hire(Scripted([limited])), eventually)

    assert last.retry_at == NOON + timedelta(seconds=42)
    rest = await database["health"].find_one({"_id": f"key:{KEY} on route:fal:banana"})
    assert rest is not None
    assert rest["until"] == NOON + timedelta(seconds=42)


async def test_a_client_that_cancels_ends_the_job_and_what_becomes_of_it_is_noted(
    hire: Hire, eventually: Eventually
) -> None:
    provider = Scripted(polls=[Running(), Running(), done(png(), cost_nano=7)])
    rig = hire(provider)
    task_ids: list[str] = []
    provider.on_poll = lambda number: rig.handlers.cancel_requested(task_ids if number == 2 else [])
    (task,) = await rig.take(dispatched())
    task_ids.append(task.id)
    await eventually(lambda: rig.idle)

    async def noted() -> bool:
        return (await rig.read(task)).attempt.late is not None

    await eventually(noted)
    now = await rig.read(task)
    assert (now.state, now.attempt.error_class) == (State.ATTEMPT_FAILED, ErrorClass.CANCELLED)
    assert provider.cancelled == [JOB]
    assert (now.attempt.late, now.attempt.late_cost_nano, now.attempt.unaccounted) == ("finished", 7, 1)
    assert (now.outputs, rig.bucket.kept) == ((), {})


async def test_a_cancellation_during_the_hand_over_ends_the_job_that_comes_of_it(
    hire: Hire, eventually: Eventually
) -> None:
    rig = hire(Scripted(holds_submits=True))
    (task,) = await rig.take(dispatched())
    await eventually(lambda: len(rig.provider.requests) == 1)
    rig.handlers.cancel_requested([task.id, "gen_of_somebody_else"])
    rig.provider.let_go.set()
    await eventually(lambda: rig.idle)

    now = await rig.read(task)
    assert now.attempt.error_class is ErrorClass.CANCELLED
    assert rig.provider.cancelled == [JOB]


async def test_a_result_that_came_before_the_cancellation_is_delivered(
    hire: Hire, eventually: Eventually
) -> None:
    provider = Scripted(polls=[PICTURE])
    rig = hire(provider)
    document = dispatched()
    provider.on_poll = lambda _: rig.handlers.cancel_requested([document["_id"]])
    (task,) = await rig.take(document)
    await eventually(lambda: rig.idle)

    assert (await rig.read(task)).state is State.GENERATED
    assert provider.cancelled == []


async def test_a_task_cancelled_before_its_turn_is_never_handed_over(
    hire: Hire, eventually: Eventually
) -> None:
    rig = hire(Scripted())
    wanted, unwanted = await rig.take(dispatched(), dispatched(cancel_requested_at=NOON))

    assert (await rig.read(unwanted)).attempt.error_class is ErrorClass.CANCELLED
    assert (await rig.read(unwanted)).attempt.unaccounted == 0
    await eventually(lambda: len(rig.provider.requests) == 1)
    assert (await rig.read(wanted)).state is not State.ATTEMPT_FAILED


def late(clock: StillClock) -> Any:
    """By the second poll the attempt has taken too long."""
    return lambda number: clock.forward(minutes=5) if number == 2 else None


async def test_what_is_ready_when_time_is_up_is_delivered_and_the_rest_ended(
    hire: Hire, eventually: Eventually, clock: StillClock
) -> None:
    ready = (Output(data=png(1, 1)), Output(data=png(2, 2)))
    rig = hire(Scripted([Accepted(THREE)], [Running(ready=ready[:1]), Running(ready=ready)]))
    rig.provider.on_poll = late(clock)
    task, last = await ended(rig, eventually, units=3)

    assert (task.state, [one.width for one in task.outputs]) == (State.GENERATED, [1, 2])
    assert (last.unaccounted, last.orphan_suspect, rig.provider.cancelled) == (1, True, [THREE])


async def test_with_nothing_ready_when_time_is_up_the_next_route_may_try(
    hire: Hire, eventually: Eventually, clock: StillClock
) -> None:
    rig = hire(Scripted([Accepted(THREE)], [Running()]))
    rig.provider.on_poll = late(clock)
    task, last = await ended(rig, eventually, units=3)

    assert (task.state, last.error_class) == (State.ATTEMPT_FAILED, ErrorClass.TRANSIENT)
    assert (last.unaccounted, rig.provider.cancelled) == (3, [THREE])


async def test_an_attempt_that_ends_with_its_task_says_so(
    hire: Hire, eventually: Eventually, clock: StillClock
) -> None:
    rig = hire(Scripted())
    rig.provider.on_poll = late(clock)
    _, last = await ended(rig, eventually, deadline_at=NOON + timedelta(minutes=5))

    assert last.error_class is ErrorClass.DEADLINE


async def test_a_task_past_its_deadline_is_not_handed_over(hire: Hire, eventually: Eventually) -> None:
    rig = hire(Scripted())
    _, last = await ended(rig, eventually, deadline_at=NOON)

    assert (last.error_class, rig.provider.requests) == (ErrorClass.DEADLINE, [])


async def test_a_hint_makes_the_next_poll_immediate(hire: Hire, eventually: Eventually) -> None:
    rig = hire(Scripted(polls=[Running(), Running(), PICTURE]), poll=HARDLY_EVER)
    (task,) = await rig.take(dispatched())
    for polls in (1, 2):
        await eventually(lambda polls=polls: len(rig.provider.polled) == polls)
        rig.handlers.hinted([task.id, "gen_of_somebody_else"])
    await eventually(lambda: rig.idle)

    assert (await rig.read(task)).state is State.GENERATED
    assert len(rig.provider.polled) == 3


async def test_a_route_whose_jobs_take_long_is_not_asked_before_the_usual_time(
    hire: Hire, eventually: Eventually, clock: StillClock
) -> None:
    poll = HARDLY_EVER.model_copy(update={"first_seconds": 0.001, "factor": 0.001})
    rig = hire(Scripted(polls=[Running(), PICTURE]), poll=poll)
    rig.provider.on_poll = lambda number: clock.forward(seconds=100) if number == 1 else None
    await ended(rig, eventually)
    assert len(rig.provider.polled) == 2

    # The soft deadline of this one lies far ahead, as its usual time does.
    far = NOON + timedelta(hours=1)
    (second,) = await rig.take(dispatched(attempts=(attempt(soft_deadline_at=far),), deadline_at=far))

    async def is_running() -> bool:
        return (await rig.read(second)).state is State.RUNNING

    await eventually(is_running)
    assert len(rig.provider.polled) == 2
    rig.handlers.hinted([second.id])
    await eventually(lambda: rig.idle)
    assert len(rig.provider.polled) == 3
