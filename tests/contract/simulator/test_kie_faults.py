from __future__ import annotations

import httpx
import pytest

from tests.contract.simulator.callers import jobs, set_fault
from tests.contract.simulator.kie_caller import Kie, result_urls

_CREATE = "/kie/api/v1/jobs/createTask"
_TASK = {"model": "nano-banana-2", "input": {"prompt": "a hen"}}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("http_500", 500),
        ("http_429", 429),
        ("quota", 402),
        ("credential", 401),
        ("model_gone", 505),
        ("caller_fault", 422),
    ],
)
async def test_a_refused_task_has_its_code_under_http_200(
    sim: httpx.AsyncClient, kie: Kie, fault: str, code: int
) -> None:
    await set_fault(sim, fault)
    assert (await kie.create())["code"] == code
    assert await jobs(sim) == []


async def test_a_rule_can_make_the_http_status_tell_the_truth(sim: httpx.AsyncClient, kie: Kie) -> None:
    await set_fault(sim, "http_500", status=503)
    answer = await sim.post(_CREATE, json=_TASK, headers=kie.headers)
    assert (answer.status_code, answer.json()["code"]) == (503, 503)


async def test_a_rate_limit_names_its_delay_in_a_header_or_in_its_text(
    sim: httpx.AsyncClient, kie: Kie
) -> None:
    await set_fault(sim, "http_429", retry_after=3)
    in_header = await sim.post(_CREATE, json=_TASK, headers=kie.headers)
    await set_fault(sim, "http_429", retry_after=3, in_text=True)
    in_text = await sim.post(_CREATE, json=_TASK, headers=kie.headers)
    assert in_header.headers["retry-after"] == "3"
    assert "retry-after" not in in_text.headers
    assert in_text.json()["msg"].endswith("Please retry in 3s.")


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        ("job_fails", "500", "Internal Error"),
        ("refusal", "422", "prohibited content"),
        ("nsfw", "422", "prohibited content"),
        ("no_media_generated", "501", "no image"),
        ("aborted", "408", "did not answer"),
        ("user_deadline", "408", "did not answer"),
    ],
)
async def test_a_failed_task_is_code_200_and_state_fail(
    sim: httpx.AsyncClient, kie: Kie, fault: str, code: str, message: str
) -> None:
    await set_fault(sim, fault)
    record = await kie.finish()
    assert (record["state"], record["failCode"], record["resultJson"]) == ("fail", code, "")
    assert message in record["failMsg"]
    assert "consumeCredits" not in record


async def test_a_caller_fault_can_wait_for_the_result(sim: httpx.AsyncClient, kie: Kie) -> None:
    await set_fault(sim, "caller_fault", at="result")
    assert (await kie.finish())["failCode"] == "422"


@pytest.mark.parametrize("fault", ["empty_output", "fewer_outputs"])
async def test_a_task_can_succeed_with_nothing(sim: httpx.AsyncClient, kie: Kie, fault: str) -> None:
    await set_fault(sim, fault)
    record = await kie.finish()
    assert (record["state"], result_urls(record)) == ("success", [])


async def test_polls_go_wrong_for_a_while(sim: httpx.AsyncClient, kie: Kie) -> None:
    await set_fault(sim, "poll_500", count=2)
    task_id = await kie.task()
    codes = [(await kie.get("jobs/recordInfo", taskId=task_id))["code"] for _ in range(3)]
    assert codes == [500, 500, 200]
    await set_fault(sim, "unknown_status", count=2)
    task_id = await kie.task()
    states = [(await kie.record(task_id))["state"] for _ in range(3)]
    assert states == ["warming", "warming", "success"]


@pytest.mark.parametrize(("at", "path"), [("submit", "create"), ("poll", "record")])
async def test_json_can_be_broken(sim: httpx.AsyncClient, kie: Kie, at: str, path: str) -> None:
    await set_fault(sim, "bad_json", at=at, count=1)
    with pytest.raises(ValueError, match="Unterminated string"):
        await (kie.record(await kie.task()) if path == "record" else kie.create())
    assert len(await jobs(sim, provider="kie")) == 1


@pytest.mark.parametrize(("fault", "error"), [("timeout", httpx.ReadTimeout), ("reset", httpx.ReadError)])
async def test_a_task_whose_answer_is_lost_is_a_job(
    simulator: str, sim: httpx.AsyncClient, fault: str, error: type[Exception]
) -> None:
    await set_fault(sim, fault)
    async with httpx.AsyncClient(base_url=simulator, timeout=0.3) as impatient:
        with pytest.raises(error):
            await Kie(impatient).create()
    assert [job["provider"] for job in await jobs(sim)] == ["kie"]
