"""What becomes of jobs that were given up is written down, and never delivered."""

from __future__ import annotations

import asyncio

import pytest

from services.worker import aftermath
from services.worker.aftermath import Aftermath
from shared.catalog.costs import OutputCost
from shared.mongo import Database
from shared.providers.base import Done, Failed, Running
from shared.providers.errors import ErrorClass
from shared.tasks.lifecycle import State
from shared.tasks.model import Task
from tests.integration.conftest import Eventually
from tests.unit.building import attempt, task_document
from tests.unit.worker.providers import JOB, Scripted, done

AT_ONCE = (0.0,) * 5


async def given_up(database: Database) -> Task:
    """A task whose second attempt was given up."""
    document = task_document(State.DISPATCHED, attempts=tuple(attempt(number=number) for number in (1, 2)))
    await database["tasks"].insert_one(document)
    return Task.model_validate(document)


async def read(database: Database, task: Task) -> Task:
    return Task.model_validate(await database["tasks"].find_one({"_id": task.id}))


@pytest.mark.parametrize(
    ("answer", "late", "cost_nano"),
    [
        (done(b"png", cost_nano=39_000_000), "finished", 39_000_000),
        (done(b"png"), "finished", None),
        (Failed(ErrorClass.CANCELLED, "cancelled"), "cancelled", None),
        (Failed(ErrorClass.POLICY_REFUSAL, "no hats"), "failed", None),
        (Failed(ErrorClass.TRANSIENT, "broke", cost_nano=5_000_000), "failed", 5_000_000),
    ],
)
async def test_what_became_of_the_job_stands_with_its_attempt_and_nothing_else_changes(
    database: Database, eventually: Eventually, answer: Done | Failed, late: str, cost_nano: int | None
) -> None:
    task = await given_up(database)
    provider = Scripted(polls=[Running(), Running(note="HTTP 502"), answer])
    watching = Aftermath(database, AT_ONCE)
    watching.watch(task, provider, JOB)

    async def recorded() -> bool:
        return (await read(database, task)).attempt.late is not None

    await eventually(recorded)
    now = await read(database, task)
    source = None if cost_nano is None else "provider"
    of_late = {"late": late, "late_cost_nano": cost_nano, "late_cost_source": source}
    known = task.attempt.model_copy(update=of_late)
    assert now == task.model_copy(update={"attempts": (task.attempts[0], known)})
    assert provider.polled == [JOB] * 3
    await watching.close()


async def test_the_attempt_that_was_given_up_is_the_one_that_counts_whatever_came_after(
    database: Database, eventually: Eventually
) -> None:
    task = await given_up(database)
    next_attempt = attempt(number=3).model_dump(exclude_none=True)
    await database["tasks"].update_one({"_id": task.id}, {"$push": {"attempts": next_attempt}})
    Aftermath(database, AT_ONCE).watch(task, Scripted(polls=[done(b"png")]), JOB)

    async def recorded() -> bool:
        return [one.late for one in (await read(database, task)).attempts] == [None, "finished", None]

    await eventually(recorded)


async def test_a_late_result_costs_what_the_catalog_states_where_the_provider_is_silent(
    database: Database, eventually: Eventually
) -> None:
    task = await given_up(database)
    stated = OutputCost(per="image", usd="0.04")
    Aftermath(database, AT_ONCE).watch(task, Scripted(polls=[done(b"one", b"two")]), JOB, stated)

    async def recorded() -> bool:
        one = (await read(database, task)).attempt
        return (one.late_cost_nano, one.late_cost_source) == (80_000_000, "catalog")

    await eventually(recorded)


async def test_a_job_that_never_ends_is_given_up_after_the_last_look(
    database: Database, eventually: Eventually
) -> None:
    task = await given_up(database)
    provider = Scripted(polls=[Running()])
    watching = Aftermath(database, AT_ONCE)
    watching.watch(task, provider, JOB)
    await eventually(lambda: len(provider.polled) == len(AT_ONCE))
    await asyncio.sleep(0.05)

    assert len(provider.polled) == len(AT_ONCE)
    assert await read(database, task) == task
    await watching.close()


async def test_only_so_many_jobs_are_watched_at_a_time(database: Database) -> None:
    task = await given_up(database)
    provider = Scripted(polls=[Running()])
    watching = Aftermath(database, (0.0, 3600.0))
    for _ in range(aftermath.MOST_WATCHED + 5):
        watching.watch(task, provider, JOB)
    await asyncio.sleep(0.1)

    assert len(provider.polled) == aftermath.MOST_WATCHED
    await watching.close()


async def test_a_worker_that_ends_looks_no_more(database: Database) -> None:
    task = await given_up(database)
    provider = Scripted(polls=[done(b"png")])
    watching = Aftermath(database, (3600.0,))
    watching.watch(task, provider, JOB)
    await asyncio.sleep(0)
    await watching.close()

    assert provider.polled == []
    assert await read(database, task) == task
