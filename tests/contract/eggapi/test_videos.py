"""Videos over EggAPI (its documentation's "veo3.1"), through all five services."""

from __future__ import annotations

import httpx
import pytest

from tests.harness.stack import Stack


async def test_a_video_is_made_and_served_in_parts(stack: Stack) -> None:
    async with await stack.customer("1") as customer:
        task_id = await customer.submit(model="veo3.1", duration=8, aspect_ratio="9:16")
        task = await customer.finished(task_id)

        assert (task["status"], task["type"]) == ("completed", "video_generate")
        assert set(task["output"]) == {"url", "duration_seconds"}
        assert task["output"]["duration_seconds"] == 8
        assert task["output"]["url"] == f"{stack.api_url}/videos/{task_id}/0.mp4"

        async with httpx.AsyncClient() as browser:
            whole = await browser.get(task["output"]["url"])
            part = await browser.get(task["output"]["url"], headers={"Range": "bytes=4-7"})
        assert (whole.headers["content-type"], whole.headers["content-disposition"]) == (
            "video/mp4",
            "inline",
        )
        assert (part.status_code, part.content) == (206, b"ftyp")


async def test_a_video_is_charged_by_the_second(stack: Stack) -> None:
    async with await stack.customer("1") as customer:
        task = await customer.finished(await customer.submit(model="veo3.1", duration=8))

        assert task["cost"] == "$0.6400"
        (record,) = (await customer.http.get("/v1/usage")).json()["data"]["items"]
        assert (record["units"], record["unit_cost"], record["cost"]) == (8, "$0.0800", "$0.6400")
        (total,) = (await customer.http.get("/v1/usage/summary")).json()["data"]
        assert (total["model"], total["total_units"], total["total_cost"]) == ("veo3.1", 8, "$0.6400")


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "text-embedding-3-small"])
async def test_a_model_that_makes_no_files_is_not_offered(stack: Stack, model: str) -> None:
    async with await stack.customer("1") as customer:
        answer = await customer.post(model=model)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "VALIDATION_ERROR"
    assert "veo3.1" in answer.json()["error"]["message"]
