"""Suspected orphans, found by an index of their own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.cli.attempts import find_orphans, orphan_stages
from shared.mongo import Database
from shared.providers.errors import ErrorClass
from shared.tasks.lifecycle import State
from shared.tasks.model import ProviderJobRecord
from tests.unit.building import NOON, attempt, task_document

DAY_AGO = NOON - timedelta(days=1)


def orphan(route: str = "fal:banana", number: int = 1, **fields: Any) -> Any:
    return attempt(route, ErrorClass.SUBMIT_AMBIGUOUS, number=number, orphan_suspect=True, **fields)


async def test_an_orphan_is_listed_with_its_job_and_what_became_of_it(database: Database) -> None:
    job = ProviderJobRecord(ids=("job_7",))
    attempts = (
        orphan(provider_job=job, unaccounted=2, late="finished", late_cost_nano=39_000_000),
        attempt("replicate:banana", number=2),
    )
    await database["tasks"].insert_one(task_document(State.COMPLETED, _id="gen_1", attempts=attempts))

    assert await find_orphans(database, DAY_AGO, None, 50) == {
        "total": 1,
        "more": False,
        "counts": [{"provider": "fal", "late": "finished", "count": 1, "late_cost_nano": 39_000_000}],
        "orphans": [
            {
                "task_id": "gen_1",
                "number": 1,
                "provider": "fal",
                "route": "fal:banana",
                "error_class": "submit_ambiguous",
                "unaccounted": 2,
                "late": "finished",
                "late_cost_nano": 39_000_000,
                "provider_job_ids": ["job_7"],
                "at": NOON,
            }
        ],
    }


async def test_the_newest_come_first_up_to_the_limit_and_all_are_counted(database: Database) -> None:
    for hours in (3, 1, 25, 2):
        await database["tasks"].insert_one(
            task_document(
                State.FAILED,
                _id=f"gen_{hours}",
                attempts=(orphan(), orphan("replicate:banana", number=2, late="failed")),
                created_at=NOON - timedelta(hours=hours),
            )
        )

    found = await find_orphans(database, DAY_AGO, None, 3)

    assert [(one["task_id"], one["number"]) for one in found["orphans"]] == [
        ("gen_1", 1),
        ("gen_1", 2),
        ("gen_2", 1),
    ]
    assert (found["total"], found["more"]) == (6, True)
    assert [(row["provider"], row["late"], row["count"]) for row in found["counts"]] == [
        ("fal", None, 3),
        ("replicate", "failed", 3),
    ]


@pytest.mark.parametrize(("provider", "numbers"), [("fal", [1]), ("replicate", [2]), ("kie", [])])
async def test_one_provider_can_be_looked_at_alone(
    database: Database, provider: str, numbers: list[int]
) -> None:
    attempts = (orphan(), orphan("replicate:banana", number=2), attempt("kie:banana", number=3))
    await database["tasks"].insert_one(task_document(State.FAILED, attempts=attempts))

    found = await find_orphans(database, DAY_AGO, provider, 50)

    assert [one["number"] for one in found["orphans"]] == numbers
    assert found["total"] == len(numbers)


async def test_no_task_without_an_orphan_is_read(database: Database) -> None:
    plain = [task_document(State.COMPLETED, attempts=(attempt(),)) for _ in range(50)]
    await database["tasks"].insert_many([*plain, task_document(State.FAILED, attempts=(orphan(),))])
    await database["tasks"].update_one(
        {"_id": plain[0]["_id"]}, {"$set": {"attempts.0.orphan_suspect": True}}
    )

    plan = await database.command(
        {
            "explain": {"aggregate": "tasks", "pipeline": orphan_stages(DAY_AGO, "fal"), "cursor": {}},
            "verbosity": "executionStats",
        }
    )

    (read,) = [stage["$cursor"] for stage in plan["stages"] if "$cursor" in stage]
    assert '"indexName": "orphans"' in str(read["queryPlanner"]["winningPlan"]).replace("'", '"')
    assert read["executionStats"]["totalDocsExamined"] == 2
