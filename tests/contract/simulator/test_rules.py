from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from tests.contract.simulator.callers import Fal, Replicate, put_rules


async def test_the_first_rule_that_matches_wins(sim: httpx.AsyncClient, fal: Fal) -> None:
    await put_rules(
        sim,
        {"provider": "replicate", "then": {"fault": "quota"}},
        {"provider": "fal", "when": {"prompt_contains": "fox"}, "then": {"fault": "credential"}},
        {"provider": "*", "when": {}, "then": {"fault": "model_gone"}},
    )
    assert (await fal.submit(prompt="a fox")).status_code == 401
    assert (await fal.submit(prompt="a hen")).status_code == 404


async def test_a_rule_is_spent_after_its_times(
    sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate
) -> None:
    await put_rules(sim, {"provider": "*", "times": 2, "then": {"fault": "http_500"}})
    codes = [(await fal.submit()).status_code, (await replicate_api.create()).status_code]
    codes.append((await fal.submit()).status_code)
    assert codes == [500, 500, 200]
    [rule] = (await sim.get("/_sim/rules")).json()["rules"]
    assert rule == {
        "provider": "*",
        "times": 2,
        "then": {"fault": "http_500"},
        "matched": 2,
        "spent": True,
    }


async def test_deleted_rules_no_longer_hold(sim: httpx.AsyncClient, fal: Fal) -> None:
    await put_rules(sim, {"then": {"fault": "http_500"}})
    assert (await sim.delete("/_sim/rules")).status_code == 204
    assert (await sim.get("/_sim/rules")).json() == {"rules": []}
    assert (await fal.submit()).status_code == 200


async def test_a_rule_without_a_fault_sets_the_latency(sim: httpx.AsyncClient, fal: Fal) -> None:
    await put_rules(sim, {"provider": "fal", "latency_ms": 300})
    began = time.monotonic()
    assert (await fal.finish()).status_code == 200
    assert 0.3 <= time.monotonic() - began < 2


async def test_a_rule_sets_how_many_polls_a_job_needs(sim: httpx.AsyncClient, fal: Fal) -> None:
    await put_rules(sim, {"polls": 3})
    url = (await fal.submit()).json()["status_url"]
    answers = [await fal.get(url) for _ in range(4)]
    assert [answer.json()["status"] for answer in answers] == [
        "IN_QUEUE",
        "IN_PROGRESS",
        "COMPLETED",
        "COMPLETED",
    ]
    assert [answer.status_code for answer in answers] == [202, 202, 200, 200]


async def test_a_job_keeps_the_rule_it_was_submitted_under(sim: httpx.AsyncClient, fal: Fal) -> None:
    await put_rules(sim, {"then": {"fault": "never_finishes"}})
    url = (await fal.submit()).json()["status_url"]
    await sim.delete("/_sim/rules")
    assert (await fal.get(url)).json()["status"] == "IN_PROGRESS"


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({}, "rules: "),
        ([{"provider": "nobody"}], "rules[0].provider"),
        ([{}, {"when": {"prompt": "x"}}], "rules[1].when.prompt"),
        ([{"then": {"fault": "meteor"}}], "rules[0].then.fault"),
        ([{"then": {"fault": "http_500", "status": 200}}], "rules[0].then.status"),
        ([{"then": {"fault": "http_500", "color": 1}}], "rules[0].then.color"),
        ([{"then": {"fault": "http_500", "at": "poll"}}], "rules[0].then"),
        ([{"then": {"content_type": "text/html\r\nX: y"}}], "rules[0].then.content_type"),
        ([{"then": {"file_bytes": -1}}], "rules[0].then.file_bytes"),
        ([{"then": {"file_bytes": 2**40}}], "rules[0].then.file_bytes"),
        ([{"then": {"callback": "no way"}}], "rules[0].then.callback"),
        ([{"times": 0}], "rules[0].times"),
        ([{"times": "2"}], "rules[0].times"),
        ([{"latency_ms": -1}], "rules[0].latency_ms"),
        ([{"polls": 1.5}], "rules[0].polls"),
        ([{"latency": 5}], "rules[0].latency"),
    ],
)
async def test_a_wrong_rule_is_refused_by_the_name_of_its_field(
    sim: httpx.AsyncClient, document: Any, named: str
) -> None:
    await put_rules(sim, {"polls": 2})
    response = await sim.put("/_sim/rules", json=document)
    assert response.status_code == 400
    assert response.json()["error"].startswith(named), response.text
    assert len((await sim.get("/_sim/rules")).json()["rules"]) == 1


async def test_rules_that_are_no_json_are_refused(sim: httpx.AsyncClient) -> None:
    response = await sim.put("/_sim/rules", content=b"[{")
    assert response.status_code == 400
    assert "not JSON" in response.json()["error"]


async def test_a_rule_may_hold_for_one_key_only(sim: httpx.AsyncClient) -> None:
    await put_rules(sim, {"when": {"key": "bad"}, "then": {"fault": "credential"}})
    shown = {"Authorization": "Key bad"}, {"Authorization": "Key good"}
    answers = [
        await sim.post("/fal/fal-ai/nano-banana", headers=headers, json={"prompt": "a hen"})
        for headers in shown
    ]
    assert [answer.status_code for answer in answers] == [401, 200]
    asked = await sim.post("/gemini/v1beta/models/m:generateContent", params={"key": "bad"}, json={})
    assert "API key not valid" in asked.text


@pytest.mark.parametrize("fault", ["refusal", "caller_fault"])
async def test_a_rule_may_say_in_which_words_a_request_is_refused(
    sim: httpx.AsyncClient, fal: Fal, replicate_api: Replicate, fault: str
) -> None:
    then: dict[str, Any] = {"fault": fault, "message": "not on our watch", "at": "result"}
    await put_rules(sim, {"then": then})
    assert (await fal.finish()).json()["detail"][0]["msg"] == "not on our watch"
    assert (await replicate_api.finish())["error"].endswith("not on our watch")
