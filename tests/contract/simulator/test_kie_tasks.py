from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

from tests.contract.simulator.callers import jobs, picture, put_rules, set_fault
from tests.contract.simulator.kie_caller import Kie, result_urls

_HEN = "https://images.example/hen.png"


async def test_a_task_ends_with_the_address_of_a_picture(sim: httpx.AsyncClient, kie: Kie) -> None:
    record = await kie.finish(image_size="16:9")
    [url] = result_urls(record)
    assert (await picture(sim, url)).size == (1344, 768)
    assert (record["state"], record["failCode"], record["failMsg"]) == ("success", "", "")
    assert record["consumeCredits"] == 4


async def test_the_times_of_a_record_are_milliseconds(sim: httpx.AsyncClient, kie: Kie) -> None:
    await put_rules(sim, {"latency_ms": 50})
    before = int(time.time() * 1000)
    record = await kie.finish()
    assert before <= record["createTime"] < record["completeTime"] <= int(time.time() * 1000)
    assert record["updateTime"] == record["completeTime"]


async def test_a_running_task_has_no_result_and_no_end(sim: httpx.AsyncClient, kie: Kie) -> None:
    await set_fault(sim, "never_finishes")
    record = await kie.record(await kie.task())
    assert (record["state"], record["resultJson"]) == ("generating", "")
    assert (record["completeTime"], record["costTime"]) == (None, None)
    assert "consumeCredits" not in record


@pytest.mark.parametrize(
    ("rule", "states"),
    [
        ({"latency_ms": 60_000}, ["waiting", "queuing", "queuing"]),
        ({"polls": 3}, ["waiting", "generating", "success"]),
    ],
)
async def test_a_task_goes_through_its_states(
    sim: httpx.AsyncClient, kie: Kie, rule: dict[str, Any], states: list[str]
) -> None:
    await put_rules(sim, rule)
    task_id = await kie.task()
    assert [(await kie.record(task_id))["state"] for _ in states] == states


async def test_param_is_the_whole_request_as_a_string(kie: Kie) -> None:
    created = await kie.create("nano-banana-2", "https://gateway.example/hook", resolution="2K")
    record = await kie.record(created["data"]["taskId"])
    assert json.loads(record["param"]) == {
        "model": "nano-banana-2",
        "callBackUrl": "https://gateway.example/hook",
        "input": {"prompt": "a hen", "resolution": "2K"},
    }


@pytest.mark.parametrize(
    ("model", "values", "size", "cost"),
    [
        ("google/nano-banana-edit", {"image_urls": [_HEN]}, (1024, 1024), 4),
        ("nano-banana-pro", {"aspect_ratio": "9:16", "resolution": "2K"}, (1536, 2688), 18),
        ("nano-banana-pro", {"resolution": "4K", "image_input": [_HEN]}, (4096, 4096), 24),
        ("nano-banana-2", {"aspect_ratio": "1:8", "google_search": True}, (384, 3072), 8),
    ],
)
async def test_every_model_draws_what_it_is_asked_for(
    sim: httpx.AsyncClient,
    kie: Kie,
    model: str,
    values: dict[str, Any],
    size: tuple[int, int],
    cost: float,
) -> None:
    record = await kie.finish(model, **values)
    assert (await picture(sim, result_urls(record)[0])).size == size
    assert record["consumeCredits"] == cost


@pytest.mark.parametrize("authorization", ["", "Key test", "Bearer"])
async def test_a_caller_without_a_token_gets_code_401_under_http_200(
    sim: httpx.AsyncClient, kie: Kie, authorization: str
) -> None:
    task_id, headers = await kie.task(), {"Authorization": authorization}
    answers = [
        await sim.post("/kie/api/v1/jobs/createTask", json={}, headers=headers),
        await sim.get("/kie/api/v1/jobs/recordInfo", params={"taskId": task_id}, headers=headers),
        await sim.get("/kie/api/v1/chat/credit", headers=headers),
        await sim.post("/kie/api/v1/common/download-url", json={}, headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert [answer.json()["code"] for answer in answers] == [401] * 4


@pytest.mark.parametrize(
    ("model", "values", "message"),
    [
        ("google/nano-banana", {"prompt": ""}, "prompt is required"),
        ("google/nano-banana", {"prompt": "x" * 5001}, "maximum limit of 5000 characters"),
        ("google/nano-banana", {"image_size": "1:8"}, "image_size is not within"),
        ("google/nano-banana", {"output_format": "jpg"}, "output_format is not within"),
        ("google/nano-banana-edit", {}, "image_urls is required"),
        ("google/nano-banana-edit", {"image_urls": [_HEN] * 11}, "cannot hold more than 10"),
        ("google/nano-banana-edit", {"image_urls": ["data:image/png;base64,AA=="]}, "array of file URLs"),
        ("nano-banana-pro", {"aspect_ratio": "1:8"}, "aspect_ratio is not within"),
        ("nano-banana-pro", {"resolution": "8K"}, "resolution is not within"),
        ("nano-banana-pro", {"image_input": [_HEN] * 9}, "cannot hold more than 8"),
        ("nano-banana-2", {"image_input": _HEN}, "array of file URLs"),
        ("nano-banana-2", {"google_search": "yes"}, "google_search must be a boolean"),
        ("kling-2.6/text-to-video", {"duration": 5}, "duration is not within"),
        ("kling-2.6/text-to-video", {"sound": 1}, "sound must be a boolean"),
        ("kling-2.6/image-to-video", {}, "image_urls is required"),
    ],
)
async def test_wrong_input_is_code_422(
    sim: httpx.AsyncClient, kie: Kie, model: str, values: dict[str, Any], message: str
) -> None:
    answer = await kie.create(model, **values)
    assert (answer["code"], answer["data"]) == (422, None)
    assert message in answer["msg"]
    assert await jobs(sim) == []


async def test_what_does_not_exist_is_code_404(kie: Kie) -> None:
    assert (await kie.create("nano-banana-9"))["code"] == 404
    assert (await kie.get("jobs/recordInfo", taskId="nothing"))["code"] == 404
    assert (await kie.get("jobs/recordInfo"))["code"] == 404


@pytest.mark.parametrize("document", [[], {"model": "nano-banana-2"}, {"input": {"prompt": "x"}}])
async def test_a_body_that_is_no_task_is_code_422(kie: Kie, document: object) -> None:
    assert (await kie.post("jobs/createTask", document))["code"] == 422


@pytest.mark.parametrize(
    ("path", "reason"), [("/files/nothing.png", "answered 404"), ("/_sim/health", "not an image")]
)
async def test_an_input_image_that_cannot_be_had_fails_the_task(
    sim: httpx.AsyncClient, kie: Kie, path: str, reason: str
) -> None:
    record = await kie.finish("google/nano-banana-edit", image_urls=[f"{sim.base_url}{path}"])
    assert (record["state"], record["failCode"]) == ("fail", "451")
    assert reason in record["failMsg"]


async def test_the_balance_and_a_link_to_a_file_can_be_had(sim: httpx.AsyncClient, kie: Kie) -> None:
    assert (await kie.get("chat/credit"))["data"] > 0
    [url] = result_urls(await kie.finish())
    link = (await kie.post("common/download-url", {"url": url}))["data"]
    assert link != url
    assert (await sim.get(link)).content == (await sim.get(url)).content
    assert (await kie.post("common/download-url", {"url": _HEN}))["code"] == 422


async def test_there_is_nothing_to_cancel_a_task_with(sim: httpx.AsyncClient, kie: Kie) -> None:
    for path in ("jobs/cancelTask", "jobs/cancel"):
        answer = await sim.post(f"/kie/api/v1/{path}", json={"taskId": await kie.task()}, headers=kie.headers)
        assert answer.status_code == 404
