from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.contract.simulator.callers import Fal, jobs, put_rules, set_fault


@pytest.mark.parametrize("authorization", ["", "Bearer test", "Key"])
async def test_a_caller_without_a_key_is_unauthorized(
    sim: httpx.AsyncClient, fal: Fal, authorization: str
) -> None:
    accepted = (await fal.submit()).json()
    headers = {"Authorization": authorization}
    answers = [
        await sim.post("/fal/fal-ai/nano-banana", json={"prompt": "x"}, headers=headers),
        await sim.get(accepted["status_url"], headers=headers),
        await sim.get(accepted["response_url"], headers=headers),
        await sim.put(accepted["cancel_url"], headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [401] * 4
    assert all(isinstance(answer.json()["detail"], str) for answer in answers)


@pytest.mark.parametrize(
    ("model", "kept"),
    [
        ("fal-ai/nano-banana", "fal-ai/nano-banana"),
        ("fal-ai/nano-banana/edit", "fal-ai/nano-banana"),
        ("workflows/hen/coop/sub", "workflows/hen/coop"),
    ],
)
async def test_returned_addresses_drop_the_sub_path(
    sim: httpx.AsyncClient, fal: Fal, model: str, kept: str
) -> None:
    body = (await fal.submit(model)).json()
    base = f"{sim.base_url}/fal/{kept}/requests/{body['request_id']}"
    assert body == {
        "request_id": body["request_id"],
        "status": "IN_QUEUE",
        "queue_position": 0,
        "response_url": base,
        "status_url": f"{base}/status",
        "cancel_url": f"{base}/cancel",
    }
    assert (await fal.get(f"/fal/other/app/requests/{body['request_id']}/status")).status_code == 404


async def test_a_status_has_logs_when_they_are_asked_for(sim: httpx.AsyncClient, fal: Fal) -> None:
    await set_fault(sim, "never_finishes")
    url = (await fal.submit()).json()["status_url"]
    assert (await fal.get(url)).json()["logs"] == []
    [log] = (await fal.get(f"{url}?logs=1")).json()["logs"]
    assert set(log) == {"message", "level", "timestamp"}


async def test_a_result_asked_for_too_early_is_an_error(sim: httpx.AsyncClient, fal: Fal) -> None:
    await put_rules(sim, {"latency_ms": 60_000})
    response = await fal.get((await fal.submit()).json()["response_url"])
    assert response.status_code == 400
    assert response.json()["detail"] == "Request is still in progress"


async def test_a_result_tells_its_billable_units(fal: Fal) -> None:
    result = await fal.finish(num_images=3)
    assert result.headers["x-fal-billable-units"] == "3"
    assert result.headers["x-fal-request-id"]
    assert result.json()["has_nsfw_concepts"] == [False] * 3


async def test_cancelling_ends_a_job_once(sim: httpx.AsyncClient, fal: Fal) -> None:
    await set_fault(sim, "never_finishes")
    accepted = (await fal.submit()).json()
    first, second = await fal.cancel(accepted["cancel_url"]), await fal.cancel(accepted["cancel_url"])
    assert (first.status_code, first.json()) == (202, {"status": "CANCELLATION_REQUESTED"})
    assert (second.status_code, second.json()) == (400, {"status": "ALREADY_COMPLETED"})
    unknown = await fal.cancel("/fal/a/b/requests/none/cancel")
    assert (unknown.status_code, unknown.json()) == (404, {"status": "NOT_FOUND"})
    assert (await fal.get(accepted["response_url"])).status_code == 499
    [job] = await jobs(sim)
    assert (job["state"], job["cancelled"]) == ("cancelled", True)


async def test_the_callers_own_start_deadline_is_told_apart(sim: httpx.AsyncClient, fal: Fal) -> None:
    await put_rules(sim, {"latency_ms": 60_000})
    accepted = (await fal.submit(headers={"X-Fal-Request-Timeout": "0.05"})).json()
    await asyncio.sleep(0.06)
    status = (await fal.get(accepted["status_url"])).json()
    assert (status["status"], status["error_type"]) == ("COMPLETED", "request_timeout")
    result = await fal.get(accepted["response_url"])
    assert (result.status_code, result.headers["x-fal-request-timeout-type"]) == (504, "user")


@pytest.mark.parametrize(
    ("values", "kind", "where"),
    [
        ({"prompt": None}, "missing", ["body", "prompt"]),
        ({"aspect_ratio": "7:1"}, "one_of", ["body", "aspect_ratio"]),
        ({"resolution": "9K"}, "one_of", ["body", "resolution"]),
        ({"num_images": 0}, "greater_than", ["body", "num_images"]),
        ({"num_images": 5}, "less_than", ["body", "num_images"]),
        ({"num_images": "two"}, "greater_than", ["body", "num_images"]),
    ],
)
async def test_wrong_input_is_told_by_the_result(
    fal: Fal, values: dict[str, Any], kind: str, where: list[str]
) -> None:
    result = await fal.finish(**values)
    assert result.status_code == 422
    [detail] = result.json()["detail"]
    assert (detail["type"], detail["loc"]) == (kind, where)


async def test_an_edit_without_images_is_wrong_input(fal: Fal) -> None:
    result = await fal.finish("fal-ai/nano-banana/edit")
    assert result.json()["detail"][0]["loc"] == ["body", "image_urls"]


async def test_a_body_that_is_no_object_is_a_bad_request(sim: httpx.AsyncClient, fal: Fal) -> None:
    for body in (b"{", b"[]"):
        response = await sim.post("/fal/fal-ai/nano-banana", content=body, headers=fal.headers)
        assert (response.status_code, response.headers["x-fal-error-type"]) == (400, "bad_request")


async def test_a_path_too_short_for_an_application_is_not_found(fal: Fal) -> None:
    assert (await fal.submit("nano-banana")).status_code == 404
