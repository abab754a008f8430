"""Charged tasks, read from the end of one page on: each once, by the index alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.api.tasks import ChargedAfter, ChargedQuery, TaskReader
from shared.mongo import Database, Document
from shared.tasks.lifecycle import State
from tests.unit.building import NOON, task_document

TASKS = 120


@pytest.fixture
async def tasks(database: Database) -> list[Document]:
    """Last completed first; several are completed at the same moment, and others are no business of ours."""
    made = [
        task_document(
            State.COMPLETED,
            _id=f"gen_{number:04d}",
            outputs=1,
            model="ab"[number % 2],
            key_id=f"key_{number % 3}",
            completed_at=NOON + timedelta(minutes=number // 5),
        )
        for number in range(TASKS)
    ]
    others = [
        task_document(State.COMPLETED, account_id="acc_2", completed_at=NOON),
        task_document(State.RUNNING),
        task_document(State.FAILED, completed_at=NOON),
    ]
    await database["tasks"].insert_many(made[::-1] + others)
    return sorted(made, key=lambda task: (task["completed_at"], task["_id"]), reverse=True)


ASKED = [
    ChargedQuery(),
    ChargedQuery(model="a"),
    ChargedQuery(key_id="key_1"),
    ChargedQuery(model="b", key_id="key_2"),
    ChargedQuery(since=NOON + timedelta(minutes=7)),
    ChargedQuery(until=NOON + timedelta(minutes=7)),
    ChargedQuery(since=NOON + timedelta(minutes=3), until=NOON + timedelta(minutes=4)),
    ChargedQuery(model="nothing"),
]


def wanted(tasks: list[Document], asked: ChargedQuery) -> list[str]:
    return [
        task["_id"]
        for task in tasks
        if asked.model in (None, task["model"])
        and asked.key_id in (None, task["key_id"])
        and (asked.since is None or task["completed_at"] >= asked.since)
        and (asked.until is None or task["completed_at"] < asked.until)
    ]


@pytest.mark.parametrize("limit", [1, 3, 5, 7, 100])
@pytest.mark.parametrize("asked", ASKED)
async def test_each_task_comes_once_and_in_order(
    database: Database, tasks: list[Document], asked: ChargedQuery, limit: int
) -> None:
    reader, after, seen = TaskReader(database), None, list[str]()
    while page := await reader.charged_after("acc_1", asked, after, limit):
        assert len(page) <= limit
        seen += [task.id for task in page]
        assert page[-1].completed_at is not None
        after = (page[-1].completed_at, page[-1].id)

    assert seen == wanted(tasks, asked)
    assert [task.id async for task in reader.all_charged("acc_1", asked)] == seen
    assert (await reader.charged("acc_1", asked, 1, 10)).total == len(seen)


async def test_a_forged_place_shows_nothing_of_others(database: Database, tasks: list[Document]) -> None:
    after = (NOON + timedelta(days=1), "~")
    found = await TaskReader(database).charged_after("acc_2", ChargedQuery(), after, 100)

    assert [task.account_id for task in found] == ["acc_2"]


LATE: ChargedAfter = (NOON + timedelta(minutes=10), "gen_0052")


@pytest.mark.parametrize("after", [None, LATE])
@pytest.mark.parametrize(
    "asked", [ChargedQuery(), ChargedQuery(until=NOON + timedelta(minutes=20)), ChargedQuery(model="a")]
)
async def test_a_page_reads_what_it_shows(
    database: Database, tasks: list[Document], asked: ChargedQuery, after: ChargedAfter | None
) -> None:
    for query in asked.ranges("acc_1", after):
        cursor = database["tasks"].find(query).sort([("completed_at", -1), ("_id", -1)]).limit(10)
        plan = await cursor.explain()
        stages = str(plan["queryPlanner"]["winningPlan"])
        assert "'charged'" in stages
        assert "COLLSCAN" not in stages
        assert "'SORT'" not in stages
        counted = plan["executionStats"]
        assert counted["totalDocsExamined"] == counted["nReturned"]
        if asked.model is None:
            assert counted["totalKeysExamined"] <= counted["nReturned"] + 1
