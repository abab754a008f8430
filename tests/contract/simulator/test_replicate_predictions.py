from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.contract.simulator.callers import Replicate, put_rules, set_fault

_VERSION = "5c7d5dc6dd8bf75c1acaa8565735e798"


@pytest.mark.parametrize("authorization", ["", "Key test", "Bearer"])
async def test_a_caller_without_a_token_is_unauthenticated(
    sim: httpx.AsyncClient, replicate_api: Replicate, authorization: str
) -> None:
    prediction_id = (await replicate_api.create()).json()["id"]
    headers = {"Authorization": authorization}
    base = "/replicate/v1/predictions"
    answers = [
        await sim.post(base, json={"version": _VERSION, "input": {}}, headers=headers),
        await sim.get(base, headers=headers),
        await sim.get(f"{base}/{prediction_id}", headers=headers),
        await sim.post(f"{base}/{prediction_id}/cancel", headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [401] * 4
    assert answers[0].json()["title"] == "Unauthenticated"


async def test_a_new_prediction_has_every_field(sim: httpx.AsyncClient, replicate_api: Replicate) -> None:
    await put_rules(sim, {"latency_ms": 60_000})
    response = await replicate_api.create()
    prediction = response.json()
    assert response.status_code == 201
    assert prediction["urls"]["get"] == f"{sim.base_url}/replicate/v1/predictions/{prediction['id']}"
    assert prediction["urls"]["cancel"] == f"{prediction['urls']['get']}/cancel"
    assert prediction["model"] == "google/nano-banana"
    assert prediction["input"] == {"prompt": "a hen"}
    assert (prediction["status"], prediction["output"], prediction["error"]) == ("starting", None, None)
    assert (prediction["started_at"], prediction["completed_at"]) == (None, None)
    assert (prediction["logs"], prediction["data_removed"], prediction["metrics"]) == ("", False, {})


async def test_a_finished_prediction_has_one_address_and_its_metrics(replicate_api: Replicate) -> None:
    prediction = await replicate_api.finish()
    assert prediction["status"] == "succeeded"
    assert isinstance(prediction["output"], str)
    assert prediction["metrics"]["image_count"] == 1
    assert prediction["completed_at"] >= prediction["started_at"] >= prediction["created_at"]


async def test_waiting_brings_the_finished_prediction(
    sim: httpx.AsyncClient, replicate_api: Replicate
) -> None:
    await put_rules(sim, {"latency_ms": 150, "polls": 5})
    response = await replicate_api.create(headers={"Prefer": "wait=5"})
    assert (response.status_code, response.json()["status"]) == (201, "succeeded")


async def test_waiting_that_runs_out_brings_a_202(sim: httpx.AsyncClient, replicate_api: Replicate) -> None:
    await set_fault(sim, "never_finishes")
    response = await replicate_api.create(headers={"Prefer": "wait=1"})
    assert (response.status_code, response.json()["status"]) == (202, "processing")


async def test_a_cancelled_prediction_stays_cancelled(
    sim: httpx.AsyncClient, replicate_api: Replicate
) -> None:
    await set_fault(sim, "never_finishes")
    prediction_id = (await replicate_api.create()).json()["id"]
    for response in (await replicate_api.cancel(prediction_id), await replicate_api.get(prediction_id)):
        assert (response.status_code, response.json()["status"]) == (200, "canceled")
        assert response.json()["completed_at"] is not None


async def test_cancelling_a_finished_prediction_changes_nothing(replicate_api: Replicate) -> None:
    prediction = await replicate_api.finish()
    assert (await replicate_api.cancel(prediction["id"])).json()["status"] == "succeeded"


@pytest.mark.parametrize(("latency_ms", "status"), [(60_000, "aborted"), (400, "canceled")])
async def test_a_deadline_aborts_before_the_start_and_cancels_after(
    sim: httpx.AsyncClient, replicate_api: Replicate, latency_ms: int, status: str
) -> None:
    await put_rules(sim, {"latency_ms": latency_ms})
    created = (await replicate_api.create(headers={"Cancel-After": "0.1s"})).json()
    assert created["deadline"] > created["created_at"]
    await asyncio.sleep(0.12)
    prediction = (await replicate_api.get(created["id"])).json()
    assert prediction["status"] == status
    assert (prediction["started_at"] is None) is (status == "aborted")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"prompt": 5}, "input"),
        ({"aspect_ratio": "7:1"}, "input.aspect_ratio"),
        ({"resolution": "9K"}, "input.resolution"),
        ({"image_input": "https://images.example/hen.png"}, "input.image_input"),
    ],
)
async def test_wrong_input_is_refused_by_the_name_of_its_field(
    replicate_api: Replicate, values: dict[str, Any], field: str
) -> None:
    response = await replicate_api.create(**values)
    body = response.json()
    assert (response.status_code, body["status"]) == (422, 422)
    assert body["title"] == "Input validation failed"
    assert body["invalid_fields"][0]["field"] == field


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"input": 5}', b'{"input": {"prompt": "x"}}'])
async def test_a_body_that_is_no_prediction_is_refused(
    sim: httpx.AsyncClient, replicate_api: Replicate, content: bytes
) -> None:
    response = await sim.post("/replicate/v1/predictions", content=content, headers=replicate_api.headers)
    assert response.status_code == 422


async def test_an_unknown_prediction_is_not_found(replicate_api: Replicate) -> None:
    response = await replicate_api.get("nothing")
    assert (response.status_code, response.json()["status"]) == (404, 404)
