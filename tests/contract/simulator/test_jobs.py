from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.contract.simulator.callers import Fal, Replicate, jobs, put_rules, set_fault

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


async def test_every_accepted_submission_is_listed(
    sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate
) -> None:
    await fal.finish(prompt="one")
    prediction = (await replicate_api.create(prompt="two")).json()
    first, second = await jobs(sim)
    assert (first["provider"], first["model"]) == ("fal", "fal-ai/nano-banana")
    assert (first["prompt"], first["state"], first["polls"]) == ("one", "succeeded", 1)
    assert _MOMENT.fullmatch(first["submitted_at"])
    assert _MOMENT.fullmatch(first["finished_at"])
    assert first["submitted_at"] <= first["finished_at"]
    assert (second["provider"], second["job_id"]) == ("replicate", prediction["id"])
    assert (second["state"], second["finished_at"], second["cancelled"]) == ("running", None, False)
    assert second["input"] == {"prompt": "two"}


async def test_the_list_narrows_by_provider_and_time(
    sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate
) -> None:
    await fal.submit()
    await replicate_api.create()
    [of_fal] = await jobs(sim, provider="fal")
    assert of_fal["provider"] == "fal"
    assert len(await jobs(sim, since="2020-01-01T00:00:00+00:00")) == 2
    assert await jobs(sim, since="2999-01-01T00:00:00.000Z") == []
    assert (await sim.get("/_sim/jobs", params={"since": "yesterday"})).status_code == 400


async def test_big_inputs_are_cut_in_the_list(sim: httpx.AsyncClient, fal: Fal) -> None:
    await fal.submit("fal-ai/nano-banana/edit", image_urls=["data:image/png;base64," + "A" * 100_000])
    [job] = await jobs(sim)
    assert len(job["input"]["image_urls"][0]) < 600


@pytest.mark.parametrize("fault", ["http_500", "http_429", "quota", "credential", "model_gone"])
async def test_a_refused_submission_is_no_job(
    sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate, fault: str
) -> None:
    await set_fault(sim, fault)
    assert (await fal.submit()).status_code >= 400
    assert (await replicate_api.create()).status_code >= 400
    assert await jobs(sim) == []


@pytest.mark.parametrize(("fault", "error"), [("timeout", httpx.ReadTimeout), ("reset", httpx.ReadError)])
async def test_a_submission_whose_answer_is_lost_is_a_job(
    simulator: str, sim: httpx.AsyncClient, fault: str, error: type[Exception]
) -> None:
    await set_fault(sim, fault)
    async with httpx.AsyncClient(base_url=simulator, timeout=0.3) as impatient:
        with pytest.raises(error):
            await Fal(impatient).submit()
        with pytest.raises(error):
            await Replicate(impatient).create()
    assert [job["provider"] for job in await jobs(sim)] == ["fal", "replicate"]


async def test_a_submission_answered_in_broken_json_is_a_job(
    sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate
) -> None:
    await set_fault(sim, "bad_json")
    for response in (await fal.submit(), await replicate_api.create()):
        assert response.status_code == 200
        with pytest.raises(ValueError, match="Unterminated string"):
            response.json()
    assert len(await jobs(sim)) == 2


async def test_forgotten_jobs_are_unknown_to_their_provider(sim: httpx.AsyncClient, fal: Fal) -> None:
    url = (await fal.submit()).json()["status_url"]
    await sim.delete("/_sim/jobs")
    assert (await fal.get(url)).status_code == 404


@pytest.mark.parametrize("at_most", [{"polls": 0}, {"polls": 0, "latency_ms": 1}])
async def test_a_job_that_needs_no_poll_ends_by_itself(
    sim: httpx.AsyncClient, fal: Fal, at_most: dict[str, Any]
) -> None:
    await put_rules(sim, at_most)
    await fal.submit()
    for _ in range(20):
        [job] = await jobs(sim)
        if job["state"] == "succeeded":
            break
    assert job["state"] == "succeeded"
