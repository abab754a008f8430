from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.contract.simulator.callers import jobs, put_rules, set_fault

_MODEL = "/gemini/v1beta/models/gemini-2.5-flash"
_BODY = {"contents": [{"role": "user", "parts": [{"text": "a hen"}]}]}
_KEY = {"x-goog-api-key": "test"}


async def _call(sim: httpx.AsyncClient, method: str = "generateContent", **values: Any) -> httpx.Response:
    return await sim.post(f"{_MODEL}:{method}", json={**_BODY, **values}, headers=_KEY)


@pytest.mark.parametrize("version", ["v1", "v1beta"])
async def test_the_key_may_stand_in_the_query(sim: httpx.AsyncClient, version: str) -> None:
    path = f"/gemini/{version}/models/gemini-2.5-flash:generateContent"
    assert (await sim.post(path, json=_BODY)).status_code == 403
    assert (await sim.post(path, json=_BODY, params={"key": "test"})).status_code == 200


async def test_events_end_as_those_of_google_do(sim: httpx.AsyncClient) -> None:
    answer = await sim.post(f"{_MODEL}:streamGenerateContent?alt=sse", json=_BODY, headers=_KEY)
    assert answer.headers["content-type"] == "text/event-stream"
    events = answer.text.split("\r\n\r\n")
    assert events.pop() == ""
    assert all(json.loads(event.removeprefix("data: "))["responseId"] for event in events)
    assert "[DONE]" not in answer.text


async def test_a_stream_without_events_is_a_list(sim: httpx.AsyncClient) -> None:
    [body] = (await _call(sim, "streamGenerateContent")).json()
    assert body["candidates"][0]["finishReason"] == "STOP"


@pytest.mark.parametrize("path", ["streamGenerateContent?alt=sse", "streamGenerateContent"])
async def test_the_error_of_a_stream_comes_in_a_list(sim: httpx.AsyncClient, path: str) -> None:
    await set_fault(sim, "http_500", status=503)
    answer = await _call(sim, path)
    assert answer.status_code == 503
    [body] = answer.json()
    assert (body["error"]["code"], body["error"]["status"]) == (503, "UNAVAILABLE")


async def test_a_limit_names_its_delay_in_the_body(sim: httpx.AsyncClient) -> None:
    await set_fault(sim, "http_429", retry_after=38)
    answer = await _call(sim)
    error = answer.json()["error"]
    details = {detail["@type"].rpartition(".")[2]: detail for detail in error["details"]}
    assert details["RetryInfo"]["retryDelay"] == "38s"
    assert "PerMinute" in details["QuotaFailure"]["violations"][0]["quotaId"]
    assert "retry-after" not in answer.headers


async def test_a_daily_quota_is_told_by_its_name(sim: httpx.AsyncClient) -> None:
    await set_fault(sim, "quota")
    details = (await _call(sim)).json()["error"]["details"]
    assert ["PerDay" in violation["quotaId"] for violation in details[1]["violations"]] == [True]


async def test_a_wrong_key_is_told_by_its_reason(sim: httpx.AsyncClient) -> None:
    await set_fault(sim, "credential")
    answer = await _call(sim)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["reason"] == "API_KEY_INVALID"


async def test_a_single_embedding_is_one_of_a_batch(sim: httpx.AsyncClient) -> None:
    item = {"content": {"parts": [{"text": "a hen"}]}, "outputDimensionality": 8}
    one = await sim.post(f"{_MODEL}:embedContent", json=item, headers=_KEY)
    batch = await sim.post(f"{_MODEL}:batchEmbedContents", json={"requests": [item, item]}, headers=_KEY)
    assert len(one.json()["embedding"]["values"]) == 8
    assert batch.json()["embeddings"] == [one.json()["embedding"]] * 2


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"content": {"parts": [{"text": "a hen"}]}, "outputDimensionality": 99_999},
        {"content": {"parts": [{"text": "a hen"}]}, "title": "farm", "taskType": "CLUSTERING"},
    ],
)
async def test_a_wrong_embedding_is_refused(sim: httpx.AsyncClient, item: dict[str, Any]) -> None:
    answer = await sim.post(f"{_MODEL}:embedContent", json=item, headers=_KEY)
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "values",
    [
        {"contents": []},
        {"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]},
        {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "?"}}]}]},
        {"generationConfig": {"maxOutputTokens": 0}},
        {"generationConfig": {"candidateCount": 2}},
        {"tools": [{"functionDeclarations": [{}]}]},
    ],
)
async def test_a_wrong_request_is_refused(sim: httpx.AsyncClient, values: dict[str, Any]) -> None:
    answer = await _call(sim, **values)
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert await jobs(sim) == []


async def test_a_body_that_is_no_json_is_refused(sim: httpx.AsyncClient) -> None:
    answer = await sim.post(f"{_MODEL}:generateContent", content=b"{", headers=_KEY)
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"


async def test_rules_look_at_the_last_words_of_the_user(sim: httpx.AsyncClient) -> None:
    await put_rules(sim, {"when": {"prompt_contains": "fox"}, "then": {"fault": "http_500"}})
    turns = [
        {"role": "user", "parts": [{"text": "a fox"}]},
        {"role": "model", "parts": [{"text": "a fox?"}]},
        {"role": "user", "parts": [{"text": "no, a hen"}]},
    ]
    assert (await _call(sim, contents=turns)).status_code == 200
    assert (await _call(sim, contents=turns[:1])).status_code == 500


async def test_big_inputs_are_cut_in_the_list_of_jobs(sim: httpx.AsyncClient) -> None:
    inline = {"inlineData": {"mimeType": "audio/wav", "data": "A" * 100_000}}
    await _call(sim, contents=[{"parts": [inline, {"text": "a hen"}]}])
    [job] = await jobs(sim)
    assert len(job["input"]["contents"][0]["parts"][0]["inlineData"]["data"]) < 600


async def test_fields_may_be_written_in_snake_case(sim: httpx.AsyncClient) -> None:
    config = {"max_output_tokens": 3, "response_mime_type": "text/plain"}
    answer = await _call(sim, generation_config=config)
    assert answer.json()["candidates"][0]["finishReason"] == "MAX_TOKENS"
