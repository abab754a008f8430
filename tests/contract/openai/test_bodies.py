"""Success bodies to the letter: the platform's overview, and OpenAI's reference where that one is silent."""

from __future__ import annotations

import base64
import io
import re
import struct
import time
from typing import Any

import httpx
from PIL import Image

from tests.harness.client import Customer
from tests.harness.eventually import eventually
from tests.harness.rules import rule
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

CHAT = {"model": "openai/gpt-5", "messages": [{"role": "user", "content": "a hen"}]}


def assert_recent(created: int) -> None:
    """A whole number of seconds, of this minute or so."""
    assert isinstance(created, int)
    assert abs(created - time.time()) < 600


async def made(customer: Customer, path: str, body: Any) -> Any:
    answer = await customer.http.post(f"/api/v1{path}", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    return answer.json()


async def test_a_model_is_listed_as_in_the_overview_available_models(customer: Customer) -> None:
    body = (await customer.http.get("/api/v1/models")).json()

    assert list(body) == ["object", "data"]
    assert body["data"][0] == {
        "id": "openai/gpt-5",
        "object": "model",
        "owned_by": "openrouter",
        "display_name": "GPT-5",
        "category": "chat",
        "capabilities": ["chat", "reasoning"],
        "credit_cost": 3,
    }
    assert {item["category"] for item in body["data"]} == {"chat", "image", "embedding"}


async def test_a_chat_is_answered_with_a_chat_completion(customer: Customer) -> None:
    body = await made(customer, "/chat/completions", {**CHAT, "whatever": {"is": "unknown"}})

    text, usage = body["choices"][0]["message"]["content"], body["usage"]
    assert_recent(body["created"])
    assert body == {
        "id": body["id"],
        "object": "chat.completion",
        "created": body["created"],
        "model": "openai/gpt-5",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": usage["prompt_tokens"],
            "completion_tokens": usage["completion_tokens"],
            "total_tokens": usage["prompt_tokens"] + usage["completion_tokens"],
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
    }
    assert re.fullmatch(r"chatcmpl-[0-9a-z]{26}", body["id"])


async def test_images_are_answered_with_task_metadata_at_once(customer: Customer, stack: Stack) -> None:
    body = await made(
        customer,
        "/images/generations",
        {
            "model": "google/nano-banana-pro",
            "prompt": "A cinematic photo of a robot reading API docs",
            "size": "1024x1024",
        },
    )

    task_id = body["task_id"]
    assert re.fullmatch(r"img_[0-9a-z]{26}", task_id)
    assert_recent(body["created"])
    expected = {
        "created": body["created"],
        "data": [{"url": None, "b64_json": None}],
        "task_id": task_id,
        "provider_task_id": None,
        "status": "pending",
        "model": "google/nano-banana-pro",
    }
    assert body == expected
    done = await ended(customer, task_id)
    assert done == expected | {
        "status": "completed",
        "data": [{"url": f"{stack.api_url}/images/{task_id}/0.png", "b64_json": None}],
    }
    assert (await customer.http.get(f"/api/v1/images/generations/{task_id}")).json() == done


async def ended(customer: Customer, task_id: str) -> Any:
    async def is_over() -> bool:
        answer = await customer.http.get(f"/api/v1/tasks/{task_id}")
        return answer.json()["status"] in ("completed", "failed")

    await eventually(is_over)
    return (await customer.http.get(f"/api/v1/tasks/{task_id}")).json()


async def test_an_image_task_can_be_cancelled_and_is_told_as_failed(
    customer: Customer, simulator: Simulator
) -> None:
    await simulator.rules(rule("*", "a hen to cancel", latency_ms=20_000))
    asked = {"model": "google/nano-banana", "prompt": "a hen to cancel"}
    body = await made(customer, "/images/generations", asked)
    answer = await customer.http.post(f"/v1/tasks/{body['task_id']}/cancel")

    assert answer.status_code == 202
    assert answer.json()["task_id"] == body["task_id"]
    failed = await ended(customer, body["task_id"])
    assert failed == {
        **body,
        "status": "failed",
        "data": [],
        "error": {
            "message": "Task was cancelled",
            "type": "task_cancelled",
            "code": "task_cancelled",
        },
    }


async def test_embeddings_are_numbers_or_little_endian_floats_in_base64(customer: Customer) -> None:
    asked = {"model": "openai/text-embedding-3-small", "input": "a hen", "dimensions": 8}
    body = await made(customer, "/embeddings", asked)

    [item] = body["data"]
    tokens = body["usage"]["prompt_tokens"]
    assert body == {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": item["embedding"]}],
        "model": "openai/text-embedding-3-small",
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
    packed = await made(customer, "/embeddings", {**asked, "encoding_format": "base64"})
    floats = struct.unpack("<8f", base64.b64decode(packed["data"][0]["embedding"]))
    assert [round(number, 5) for number in floats] == [round(number, 5) for number in item["embedding"]]


def picture(kind: str = "PNG") -> bytes:
    held = io.BytesIO()
    Image.new("RGB", (32, 32), "orange").save(held, kind)
    return held.getvalue()


async def edit(customer: Customer, files: list[tuple[str, Any]], **fields: str) -> httpx.Response:
    data = {"model": "google/nano-banana", "prompt": "rounder", **fields}
    return await customer.http.post("/api/v1/images/edits", data=data, files=files)


async def test_an_edit_takes_pictures_of_several_types_under_both_names(
    customer: Customer, stack: Stack
) -> None:
    files = [
        ("image", ("a.jpg", picture("JPEG"), "application/octet-stream")),
        ("image[]", ("b.webp", picture("WEBP"), "image/webp")),
    ]
    answer = await edit(customer, files, n="2", size="auto")

    body = answer.json()
    assert answer.status_code == 200, body
    assert body["data"] == [{"url": None, "b64_json": None}] * 2
    task_id = body["task_id"]
    urls = (await stack.stored(task_id)).request.image_urls
    assert urls == tuple(f"{stack.api_url}/inputs/{task_id}/{name}" for name in ("0.jpg", "1.webp"))
    shown = await customer.http.get(urls[1], headers={"Authorization": ""})
    assert (shown.headers["content-type"], shown.content) == ("image/webp", picture("WEBP"))


async def test_an_edit_says_what_is_wrong_with_its_form(customer: Customer) -> None:
    good = ("image", ("a.png", picture(), "image/png"))
    for files, fields, message in [
        ([("other", good[1])], {}, "image is required: at least one picture, as a file"),
        ([good] * 17, {}, "image must have at most 16 items"),
        ([good, ("mask", good[1])], {}, "mask is not supported: say in the prompt which part is to change"),
        ([good, ("image", ("b.png", b"<html>", "image/png"))], {}, "image[1] is not usable: "),
        ([good], {"n": "x"}, "n must be an integer"),
        ([good], {"n": "11"}, "n must be at most 10"),
    ]:
        answer = await edit(customer, files, **fields)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request_error")
        assert answer.json()["error"]["message"].startswith(message)
    for field in ("model", "prompt"):
        answer = await edit(customer, [good], **{field: ""})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, f"{field}_required")


async def test_the_same_idempotency_key_gives_the_same_answer_once(customer: Customer, stack: Stack) -> None:
    bodies = {
        "/chat/completions": CHAT,
        "/images/generations": {"model": "google/nano-banana", "prompt": "a hen"},
        "/embeddings": {"model": "openai/text-embedding-3-small", "input": "a hen"},
    }
    for number, (path, body) in enumerate(bodies.items()):
        await assert_once(customer, f"/api/v1{path}", body, f"key-{number}")
    await assert_once(customer, "/api/v1/chat/completions", {**CHAT, "stream": True}, "key-stream")

    assert await stack.database["tasks"].count_documents({"account_id": customer.account_id}) == 4


async def assert_once(customer: Customer, path: str, body: Any, key: str) -> None:
    headers = {"Idempotency-Key": key}
    first = await customer.http.post(path, json=body, headers=headers)
    assert first.status_code == 200

    async def is_kept() -> bool:
        return (await customer.http.post(path, json=body, headers=headers)).status_code == 200

    await eventually(is_kept)
    again = await customer.http.post(path, json=body, headers=headers)
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]
    other = await customer.http.post(path, json={**body, "user": "another"}, headers=headers)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_key_mismatch")
    assert other.headers["x-should-retry"] == "false"
