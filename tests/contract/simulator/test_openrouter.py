from __future__ import annotations

import asyncio
import base64
import io
import json
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI
from PIL import Image

from tests.contract.simulator.callers import jobs, put_rules, set_fault

_CHAT = "/openrouter/api/v1/chat/completions"
_IMAGES = "/openrouter/api/v1/images"
_KEY = {"Authorization": "Bearer test"}
_BODY = {"model": "google/gemini-2.5-flash", "messages": [{"role": "user", "content": "a hen"}]}
_DRAWING = {**_BODY, "model": "google/gemini-2.5-flash-image", "modalities": ["image", "text"]}
_IMAGE = {"model": "google/gemini-2.5-flash-image", "prompt": "a hen"}


async def _chat(sim: httpx.AsyncClient, **values: Any) -> httpx.Response:
    return await sim.post(_CHAT, json={**_BODY, **values}, headers=_KEY)


def _picture(data: str) -> Image.Image:
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        image.load()
        return image


def _events(text: str) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in text.split("\n") if line.startswith("data: ")]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]


async def test_an_answer_has_its_cost(sim: httpx.AsyncClient) -> None:
    body = (await _chat(sim)).json()
    [choice] = body["choices"]
    assert (choice["finish_reason"], choice["native_finish_reason"]) == ("stop", "STOP")
    assert choice["message"]["content"].startswith("About a hen")
    usage = body["usage"]
    assert usage["completion_tokens"] == 40
    assert usage["cost"] > 0
    [job] = await jobs(sim, provider="openrouter")
    assert (job["job_id"], job["prompt"], job["state"]) == (body["id"], "a hen", "succeeded")


async def test_the_official_client_of_openai_chats(sim: httpx.AsyncClient) -> None:
    url = f"{sim.base_url}/openrouter/api/v1"
    async with AsyncOpenAI(base_url=url, api_key="test", max_retries=0) as client:
        asked: Any = _BODY
        chunks = [chunk async for chunk in await client.chat.completions.create(**asked, stream=True)]
        assert chunks[-1].usage is not None
        made = await client.embeddings.create(model="openai/text-embedding-3-small", input=["a hen", "a fox"])
        assert [len(item.embedding) for item in made.data] == [1536, 1536]
        await set_fault(sim, "credential")
        with pytest.raises(openai.AuthenticationError):
            await client.chat.completions.create(**asked)


async def test_a_chat_draws(sim: httpx.AsyncClient) -> None:
    config = {"aspect_ratio": "16:9", "image_size": "2K"}
    body = (await _chat(sim, **_DRAWING, image_config=config)).json()
    [image] = body["choices"][0]["message"]["images"]
    head, _, data = image["image_url"]["url"].partition(",")
    assert (image["type"], head) == ("image_url", "data:image/png;base64")
    assert _picture(data).size == (2688, 1536)
    assert body["usage"]["completion_tokens_details"]["image_tokens"] == 1290
    assert body["usage"]["cost"] > 0.0387


async def test_an_edit_shows_its_inputs(sim: httpx.AsyncClient) -> None:
    out = io.BytesIO()
    Image.new("RGB", (40, 40), (255, 0, 0)).save(out, "PNG")
    url = f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"
    part = {"type": "image_url", "image_url": {"url": url}}
    parts = [{"type": "text", "text": "make it blue"}, part]
    body = (await _chat(sim, **{**_DRAWING, "messages": [{"role": "user", "content": parts}]})).json()
    [image] = body["choices"][0]["message"]["images"]
    colours = _picture(image["image_url"]["url"].partition(",")[2]).convert("RGB").getcolors(256)
    assert colours is not None
    assert (255, 0, 0) in {colour for _, colour in colours}


async def test_an_input_that_is_no_image_is_refused(sim: httpx.AsyncClient) -> None:
    url = f"data:image/png;base64,{base64.b64encode(b'hen').decode()}"
    answer = await sim.post(_IMAGES, json={**_IMAGE, "input_references": [url]}, headers=_KEY)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 400)


async def test_a_stream_has_comments_and_ends_with_the_usage(sim: httpx.AsyncClient) -> None:
    answer = await _chat(sim, stream=True)
    assert answer.text.startswith(": OPENROUTER PROCESSING\n\n")
    events = _events(answer.text)
    assert events[-1]["choices"] == []
    assert events[-1]["usage"]["cost"] > 0
    assert events[-2]["choices"][0]["finish_reason"] == "stop"


async def test_a_stream_draws(sim: httpx.AsyncClient) -> None:
    events = _events((await _chat(sim, **_DRAWING, stream=True)).text)
    deltas = [choice["delta"] for event in events for choice in event["choices"]]
    [image] = [image for delta in deltas for image in delta.get("images", [])]
    assert _picture(image["image_url"]["url"].partition(",")[2]).size == (1024, 1024)


@pytest.mark.parametrize(
    ("values", "size"),
    [
        ({}, (1024, 1024)),
        ({"aspect_ratio": "3:2", "resolution": "1.5K"}, (1872, 1248)),
        ({"resolution": "768"}, (768, 768)),
        ({"size": "640x480"}, (640, 480)),
    ],
)
async def test_images_are_drawn_natively(
    sim: httpx.AsyncClient, values: dict[str, str], size: tuple[int, int]
) -> None:
    answer = await sim.post(_IMAGES, json={**_IMAGE, "n": 2, **values}, headers=_KEY)
    body = answer.json()
    assert [_picture(item["b64_json"]).size for item in body["data"]] == [size, size]
    assert body["data"][0]["media_type"] == "image/png"
    assert body["usage"]["cost"] == pytest.approx(2 * 0.0387, rel=0.01)


@pytest.mark.parametrize(
    "values", [{"n": 0}, {"resolution": "9K"}, {"prompt": ""}, {"stream": True}, {"size": "x"}]
)
async def test_a_wrong_image_request_is_refused(sim: httpx.AsyncClient, values: dict[str, Any]) -> None:
    answer = await sim.post(_IMAGES, json={**_IMAGE, **values}, headers=_KEY)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(next(iter(values)))


_ERRORS = [
    ("http_500", {}, 500),
    ("http_500", {"status": 502}, 502),
    ("http_500", {"status": 529}, 529),
    ("http_429", {}, 429),
    ("quota", {}, 402),
    ("credential", {}, 401),
    ("model_gone", {}, 404),
    ("caller_fault", {}, 400),
    ("context_length", {}, 400),
    ("refusal", {}, 403),
    ("job_fails", {}, 502),
]


@pytest.mark.parametrize(("fault", "then", "code"), _ERRORS)
async def test_the_code_of_an_error_is_its_status(
    sim: httpx.AsyncClient, fault: str, then: dict[str, Any], code: int
) -> None:
    await set_fault(sim, fault, **then)
    embedding = {"model": "openai/text-embedding-3-small", "input": "a hen"}
    for path, body in ((_CHAT, _BODY), (_IMAGES, _IMAGE), ("/openrouter/api/v1/embeddings", embedding)):
        answer = await sim.post(path, json=body, headers=_KEY)
        assert (answer.status_code, answer.json()["error"]["code"]) == (code, code)
    states = ["failed"] * 3 if fault in ("refusal", "job_fails") else []
    assert [job["state"] for job in await jobs(sim)] == states


async def test_a_flagged_prompt_is_told_with_its_reasons(sim: httpx.AsyncClient) -> None:
    await set_fault(sim, "refusal")
    metadata = (await _chat(sim)).json()["error"]["metadata"]
    assert metadata["reasons"]
    assert metadata["flagged_input"] == "a hen"
    assert metadata["model_slug"] == _BODY["model"]


async def test_a_model_that_cannot_draw_is_told_by_its_endpoints(sim: httpx.AsyncClient) -> None:
    await set_fault(sim, "model_gone")
    message = (await _chat(sim, **_DRAWING)).json()["error"]["message"]
    assert message.startswith("No endpoints found that support the requested output modalities")


@pytest.mark.parametrize(
    ("then", "sent"), [({}, None), ({"retry_after": 4}, "4"), ({"retry_after": 4, "in_text": True}, None)]
)
async def test_a_limit_names_its_delay(
    sim: httpx.AsyncClient, then: dict[str, Any], sent: str | None
) -> None:
    await set_fault(sim, "http_429", **then)
    answer = await _chat(sim)
    assert answer.headers.get("retry-after") == sent
    assert ("retry after 4 seconds" in answer.json()["error"]["metadata"]["raw"]) is bool(then)


async def test_an_error_can_come_with_status_200(sim: httpx.AsyncClient) -> None:
    await set_fault(sim, "error_in_200")
    for path, body in ((_CHAT, _BODY), (_CHAT, _DRAWING), (_IMAGES, _IMAGE)):
        answer = await sim.post(path, json=body, headers=_KEY)
        assert (answer.status_code, answer.json()["error"]["code"]) == (200, 502)
        assert "choices" not in answer.json()
    assert [job["state"] for job in await jobs(sim)] == ["failed"] * 3


async def test_an_error_can_come_in_a_stream(sim: httpx.AsyncClient) -> None:
    await set_fault(sim, "error_in_200", count=2)
    answer = await _chat(sim, stream=True)
    assert answer.status_code == 200
    lines = [line for line in answer.text.split("\n") if line.startswith("data: ")]
    last = json.loads(lines[-1].removeprefix("data: "))
    assert last["error"]["code"] == 502
    assert last["choices"][0]["finish_reason"] == "error"
    assert len(lines) == 4


@pytest.mark.parametrize("fault", ["no_media_generated", "empty_output"])
async def test_a_model_can_write_where_it_should_draw(sim: httpx.AsyncClient, fault: str) -> None:
    await set_fault(sim, fault)
    message = (await _chat(sim, **_DRAWING)).json()["choices"][0]["message"]
    assert message["content"]
    assert "images" not in message
    assert (await sim.post(_IMAGES, json=_IMAGE, headers=_KEY)).json()["data"] == []


async def test_a_caller_who_goes_away_cancels_the_job(sim: httpx.AsyncClient) -> None:
    await put_rules(sim, {"chunk_delay_ms": 100})
    async with sim.stream("POST", _CHAT, json={**_BODY, "stream": True}, headers=_KEY) as answer:
        await anext(answer.aiter_bytes())
    for _ in range(100):
        [job] = await jobs(sim)
        if job["state"] != "running":
            break
        await asyncio.sleep(0.02)
    assert job["state"] == "cancelled"


async def test_a_caller_without_a_key_is_refused(sim: httpx.AsyncClient) -> None:
    answer = await sim.post(_CHAT, json=_BODY)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, 401)
