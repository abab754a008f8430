"""EggAPI's lists (EggAPI documentation, "API reference"): pages and usage records."""

from __future__ import annotations

import pytest

from tests.harness.simulator import Simulator
from tests.harness.stack import Stack


async def test_an_empty_list_has_a_page_and_no_items(stack: Stack) -> None:
    async with await stack.customer() as customer:
        for path in ("/v1/tasks", "/v1/usage"):
            answer = await customer.http.get(path)

            assert answer.status_code == 200
            assert answer.json() == {
                "data": {
                    "items": [],
                    "pagination": {"page": 1, "per_page": 20, "total": 0, "total_pages": 0},
                },
                "error": None,
            }
        assert (await customer.http.get("/v1/usage/summary")).json() == {"data": [], "error": None}


async def test_tasks_come_newest_first_page_by_page(stack: Stack) -> None:
    async with await stack.customer() as customer:
        submitted = [await customer.submit(prompt=f"egg {number}") for number in range(5)]
        await customer.all_finished(submitted)

        seen = []
        for page in (1, 2, 3):
            data = (await customer.http.get(f"/v1/tasks?page={page}&per_page=2")).json()["data"]
            assert data["pagination"] == {"page": page, "per_page": 2, "total": 5, "total_pages": 3}
            seen += [item["id"] for item in data["items"]]
        assert seen == submitted[::-1]


@pytest.mark.parametrize(("asked", "given"), [("100", 100), ("101", 100), ("1000000", 100)])
async def test_a_page_is_never_longer_than_a_hundred(stack: Stack, asked: str, given: int) -> None:
    async with await stack.customer() as customer:
        data = (await customer.http.get(f"/v1/tasks?per_page={asked}")).json()["data"]

        assert data["pagination"]["per_page"] == given


async def test_usage_lists_what_was_charged_and_only_that(stack: Stack, simulator: Simulator) -> None:
    await simulator.rules(
        {
            "provider": "*",
            "when": {"prompt_contains": "uncharged"},
            "times": None,
            "then": {"fault": "refusal"},
        }
    )
    async with await stack.customer() as customer:
        await customer.finished(await customer.submit(prompt="uncharged"))
        cheap = await customer.finished(await customer.submit(num_outputs=3))
        dear = await customer.finished(await customer.submit(model="nanobanana-pro", resolution="4k"))

        items = (await customer.http.get("/v1/usage")).json()["data"]["items"]

        assert [(item["task_id"], item["units"], item["unit_cost"], item["cost"]) for item in items] == [
            (dear["id"], 1, "$0.0320", "$0.0320"),
            (cheap["id"], 3, "$0.0100", "$0.0300"),
        ]
        assert all(
            set(item) == {"id", "task_id", "model", "type", "units", "unit_cost", "cost", "created_at"}
            for item in items
        )
        summary = (await customer.http.get("/v1/usage/summary")).json()["data"]
        assert summary == [
            {"model": "nanobanana", "total_units": 3, "total_cost": "$0.0300", "request_count": 1},
            {"model": "nanobanana-pro", "total_units": 1, "total_cost": "$0.0320", "request_count": 1},
        ]
