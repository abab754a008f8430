from __future__ import annotations

import time

import httpx

from tests.contract.simulator.callers import Fal, Replicate, jobs, put_rules, set_fault
from tests.contract.simulator.kie_caller import Kie

_LATE = {"latency_ms": 400, "polls": 0, "then": {"fault": "late"}}


async def test_a_late_job_goes_on_when_it_is_cancelled(
    sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate, kie: Kie
) -> None:
    await put_rules(sim, _LATE)
    accepted, prediction = (await fal.submit()).json(), (await replicate_api.create()).json()
    await kie.task()
    told = await fal.cancel(accepted["cancel_url"])
    assert (told.status_code, told.json()) == (202, {"status": "CANCELLATION_REQUESTED"})
    assert (await replicate_api.cancel(prediction["id"])).json()["status"] != "canceled"
    until = time.monotonic() + 10
    while not all(job["state"] == "succeeded" for job in await jobs(sim)):
        assert time.monotonic() < until
    assert [job["cancel_requested"] for job in await jobs(sim)] == [True, True, False]
    assert len((await fal.get(accepted["response_url"])).json()["images"]) == 1
    assert (await replicate_api.get(prediction["id"])).json()["output"]


async def test_a_prediction_can_end_before_it_starts(
    sim: httpx.AsyncClient, replicate_api: Replicate
) -> None:
    await set_fault(sim, "aborted")
    prediction = await replicate_api.finish()
    assert (prediction["status"], prediction["started_at"], prediction["output"]) == ("aborted", None, None)
    assert prediction["completed_at"] is not None
    assert "predict_time" not in prediction["metrics"]


async def test_an_aborted_prediction_waits_in_the_queue(
    sim: httpx.AsyncClient, replicate_api: Replicate
) -> None:
    await put_rules(sim, {"latency_ms": 60_000, "then": {"fault": "aborted"}})
    assert (await replicate_api.create()).json()["status"] == "starting"


async def test_a_predictions_data_can_be_gone_already(
    sim: httpx.AsyncClient, replicate_api: Replicate
) -> None:
    await set_fault(sim, "data_removed")
    prediction = await replicate_api.finish()
    assert (prediction["status"], prediction["output"]) == ("succeeded", None)
    assert prediction["data_removed"] is True


async def test_the_callers_own_deadline_at_fal_is_a_504_with_its_header(
    sim: httpx.AsyncClient, fal: Fal
) -> None:
    await set_fault(sim, "user_deadline")
    accepted = (await fal.submit()).json()
    status = (await fal.get(accepted["status_url"])).json()
    assert (status["status"], status["error_type"]) == ("COMPLETED", "request_timeout")
    result = await fal.get(accepted["response_url"])
    assert (result.status_code, result.headers["x-fal-request-timeout-type"]) == (504, "user")


async def test_replicate_fails_where_fal_marks_an_unsafe_picture(
    sim: httpx.AsyncClient, replicate_api: Replicate
) -> None:
    await set_fault(sim, "nsfw")
    prediction = await replicate_api.finish()
    assert prediction["status"] == "failed"
    assert prediction["error"].startswith("NSFW content detected")
