from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
import pytest

from tests.contract.simulator.callers import Fal, Replicate, set_fault


@pytest.mark.parametrize(
    ("fault", "of_fal", "of_replicate"),
    [
        ("http_500", 500, 500),
        ("http_429", 429, 429),
        ("quota", 403, 402),
        ("credential", 401, 401),
        ("model_gone", 404, 404),
    ],
)
async def test_a_refused_submission_has_the_status_of_its_provider(
    sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate, fault: str, of_fal: int, of_replicate: int
) -> None:
    await set_fault(sim, fault)
    assert (await fal.submit()).status_code == of_fal
    assert (await replicate_api.create()).status_code == of_replicate
    await set_fault(sim, fault, status=418)
    assert (await fal.submit()).status_code == 418
    assert (await replicate_api.create()).status_code == 418


async def test_a_rate_limit_names_its_delay(
    sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate
) -> None:
    await set_fault(sim, "http_429", retry_after=3)
    assert (await fal.submit()).headers["retry-after"] == "3"
    throttled = await replicate_api.create()
    assert throttled.headers["retry-after"] == "3"
    assert "available in 3 seconds" in throttled.json()["detail"]


async def test_a_rate_limit_names_its_delay_as_a_date(
    sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate
) -> None:
    await set_fault(sim, "http_429", retry_after=90, http_date=True)
    for response in (await fal.submit(), await replicate_api.create()):
        moment = parsedate_to_datetime(response.headers["retry-after"])
        assert 60 < (moment - datetime.now(UTC)).total_seconds() <= 90


async def test_a_rate_limit_names_its_delay_in_its_text_only(
    sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate
) -> None:
    await set_fault(sim, "http_429", retry_after=7, in_text=True)
    of_fal, of_replicate = await fal.submit(), await replicate_api.create()
    assert "retry-after" not in {*of_fal.headers, *of_replicate.headers}
    assert of_fal.json()["detail"].endswith("Please retry in 7s.")
    assert of_replicate.json()["detail"].endswith("Expected available in 7 seconds.")


async def test_a_caller_fault_strikes_at_the_submission_or_the_result(
    sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate
) -> None:
    await set_fault(sim, "caller_fault")
    assert (await fal.submit()).status_code == 422
    assert (await replicate_api.create()).status_code == 422
    await set_fault(sim, "caller_fault", at="result")
    assert (await fal.finish()).status_code == 422
    assert (await replicate_api.finish())["error"].startswith("Input validation error:")


async def test_a_job_can_run_forever(sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate) -> None:
    await set_fault(sim, "never_finishes")
    status_url = (await fal.submit()).json()["status_url"]
    prediction_id = (await replicate_api.create()).json()["id"]
    for _ in range(5):
        assert (await fal.get(status_url)).json()["status"] == "IN_PROGRESS"
        assert (await replicate_api.get(prediction_id)).json()["status"] == "processing"


async def test_polls_fail_for_a_while(sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate) -> None:
    await set_fault(sim, "poll_500", count=2)
    status_url = (await fal.submit()).json()["status_url"]
    assert [(await fal.get(status_url)).status_code for _ in range(3)] == [500, 500, 200]
    prediction_id = (await replicate_api.create()).json()["id"]
    assert [(await replicate_api.get(prediction_id)).status_code for _ in range(3)] == [500, 500, 200]


async def test_polls_bring_a_made_up_status_for_a_while(
    sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate
) -> None:
    await set_fault(sim, "unknown_status", count=2)
    status_url = (await fal.submit()).json()["status_url"]
    words = [(await fal.get(status_url)).json()["status"] for _ in range(3)]
    assert words == ["WARMING_UP", "WARMING_UP", "COMPLETED"]
    prediction_id = (await replicate_api.create()).json()["id"]
    answers = [(await replicate_api.get(prediction_id)).json() for _ in range(3)]
    assert [answer["status"] for answer in answers] == ["warming", "warming", "succeeded"]
    assert [answer["completed_at"] is None for answer in answers] == [True, True, False]


async def test_polls_bring_broken_json_for_a_while(
    sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate
) -> None:
    await set_fault(sim, "bad_json", at="poll", count=1)
    status_url = (await fal.submit()).json()["status_url"]
    prediction_id = (await replicate_api.create()).json()["id"]
    for response in (await fal.get(status_url), await replicate_api.get(prediction_id)):
        with pytest.raises(ValueError, match="Unterminated string"):
            response.json()
    assert (await fal.get(status_url)).json()["status"] == "COMPLETED"
    assert (await replicate_api.get(prediction_id)).json()["status"] == "succeeded"


async def test_addresses_lead_to_another_host(
    sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate
) -> None:
    await set_fault(sim, "foreign_url", host="thief.example:444")
    body = (await fal.submit()).json()
    for name in ("status_url", "response_url", "cancel_url"):
        assert body[name].startswith("http://thief.example:444/fal/")
    urls = (await replicate_api.create()).json()["urls"]
    for name in ("get", "cancel"):
        assert urls[name].startswith("http://thief.example:444/replicate/v1/")


@pytest.mark.parametrize(
    ("fault", "asked", "delivered"),
    [("fewer_outputs", 3, 2), ("fewer_outputs", 1, 0), ("empty_output", 2, 0)],
)
async def test_fewer_images_come_than_were_asked_for(
    sim: httpx.AsyncClient, fal: Fal, fault: str, asked: int, delivered: int
) -> None:
    await set_fault(sim, fault)
    assert len((await fal.finish(num_images=asked)).json()["images"]) == delivered


async def _file_urls(fal: Fal, replicate_api: Replicate) -> list[str]:
    [image] = (await fal.finish()).json()["images"]
    return [image["url"], (await replicate_api.finish())["output"]]


async def test_a_file_can_be_missing(sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate) -> None:
    await set_fault(sim, "output_404")
    for url in await _file_urls(fal, replicate_api):
        assert (await sim.get(url)).status_code == 404


async def test_a_file_can_be_an_error_page_called_a_picture(
    sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate
) -> None:
    await set_fault(sim, "output_html")
    for url in await _file_urls(fal, replicate_api):
        response = await sim.get(url)
        assert (response.status_code, response.headers["content-type"]) == (200, "image/png")
        assert response.text.startswith("<!doctype html>")


async def test_a_file_can_drip(sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate) -> None:
    await set_fault(sim, "output_slow")
    [url, _] = await _file_urls(fal, replicate_api)
    began = time.monotonic()
    async with sim.stream("GET", url) as response:
        received = response.aiter_raw()
        first, second = await anext(received), await anext(received)
    assert first + second == b"\x89P"
    assert 0.9 < time.monotonic() - began < 3


async def test_a_silent_submission_holds_only_its_own_caller(
    sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate
) -> None:
    await set_fault(sim, "timeout")
    silent = [asyncio.create_task(fal.submit()), asyncio.create_task(replicate_api.create())]
    await asyncio.sleep(0.2)
    assert (await sim.get("/_sim/health")).status_code == 200
    assert not any(task.done() for task in silent)
    for task in silent:
        task.cancel()
    await asyncio.gather(*silent, return_exceptions=True)
