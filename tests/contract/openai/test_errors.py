"""Error bodies of the OpenAI-style platform (its overview, "Error Format"): nothing is stored or held."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from shared.accounts.key import Keys, new_key
from tests.harness.client import Customer
from tests.harness.stack import Stack

CHAT = {"model": "openai/gpt-5", "messages": [{"role": "user", "content": "a hen"}]}
IMAGE = {"model": "google/nano-banana-pro", "prompt": "a hen"}
VECTORS = {"model": "openai/text-embedding-3-small", "input": "a hen"}
POSTS = {"/chat/completions": CHAT, "/images/generations": IMAGE, "/embeddings": VECTORS}
INVALID = "invalid_request_error"


@pytest_asyncio.fixture(scope="module")
async def customer(session_stack: Stack) -> AsyncIterator[Customer]:
    async with await session_stack.customer("1") as one:
        yield one


@pytest_asyncio.fixture(autouse=True)
async def _nothing_is_stored_or_held(session_stack: Stack, customer: Customer) -> AsyncIterator[None]:
    before = await _traces(session_stack, customer)
    yield
    assert await _traces(session_stack, customer) == before


async def _traces(stack: Stack, customer: Customer) -> tuple[int, int]:
    tasks = await stack.database["tasks"].count_documents({"account_id": customer.account_id})
    return tasks, (await stack.balance(customer)).seq


def assert_error(answer: httpx.Response, status: int, code: str, *words: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "code"}
    assert body["error"]["code"] == body["error"]["type"] == code, answer.text
    for word in words:
        assert word in body["error"]["message"], body["error"]["message"]
    assert (answer.headers.get("x-should-retry") == "false") == (status < 429)
    assert ("retry-after" in answer.headers) == (status in (429, 503))


async def post(customer: Customer, path: str, body: Any) -> httpx.Response:
    return await customer.http.post(f"/api/v1{path}", json=body)


async def test_the_error_of_the_platforms_own_example_is_answered_to_the_letter(customer: Customer) -> None:
    answer = await post(customer, "/chat/completions", {**CHAT, "model": "openai/gpt-0"})

    assert answer.status_code == 404
    assert answer.json() == {
        "error": {
            "message": "Model is not available",
            "type": "model_not_available",
            "code": "model_not_available",
        }
    }


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("model", [None, "", 7, ["a"], {"$gt": ""}])
async def test_without_a_model_there_is_model_required(customer: Customer, path: str, model: Any) -> None:
    assert_error(await post(customer, path, {**POSTS[path], "model": model}), 400, "model_required", "model")


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("model", ["nanobanana", "gpt-5", "veo3.1", "other"])
async def test_only_offers_of_the_right_kind_are_available(customer: Customer, path: str, model: str) -> None:
    other = {"/chat/completions": "google/nano-banana", "/embeddings": "openai/gpt-5"}.get(
        path, "openai/gpt-5"
    )
    named = other if model == "other" else model

    assert_error(await post(customer, path, {**POSTS[path], "model": named}), 404, "model_not_available")


@pytest.mark.parametrize("messages", [None, []])
async def test_without_messages_there_is_messages_required(customer: Customer, messages: Any) -> None:
    answer = await post(customer, "/chat/completions", {**CHAT, "messages": messages})

    assert_error(answer, 400, "messages_required")


@pytest.mark.parametrize("prompt", [None, "", "  "])
async def test_without_a_prompt_there_is_prompt_required(customer: Customer, prompt: Any) -> None:
    assert_error(
        await post(customer, "/images/generations", {**IMAGE, "prompt": prompt}), 400, "prompt_required"
    )


@pytest.mark.parametrize(
    ("path", "fields", "words"),
    [
        ("/chat/completions", {"messages": "hi"}, ["messages must be an array"]),
        ("/chat/completions", {"messages": [{"role": "user"}]}, ["messages[0].content is required"]),
        ("/chat/completions", {"n": 2}, ["n must be at most 1"]),
        ("/chat/completions", {"temperature": "hot"}, ["temperature must be a number"]),
        ("/chat/completions", {"stream": "yes"}, ["stream must be true or false"]),
        (
            "/chat/completions",
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": {"url": "http://169.254.169.254/"}}],
                    }
                ]
            },
            ["image_url http://169.254.169.254/ is not usable"],
        ),
        ("/images/generations", {"prompt": ["a"]}, ["prompt must be a string"]),
        ("/images/generations", {"prompt": "x" * 32_001}, ["prompt must have at most 32000 characters"]),
        ("/images/generations", {"n": 11}, ["n must be at most 10"]),
        ("/images/generations", {"n": "2"}, ["n must be an integer"]),
        ("/images/generations", {"size": "huge"}, ["size must be auto, or width and height such as"]),
        ("/images/generations", {"response_format": "png"}, ["response_format must be one of"]),
        ("/images/generations", {"stream": True}, ["stream is not supported for images"]),
        ("/embeddings", {"input": None}, ["input is required"]),
        ("/embeddings", {"input": [1, 2]}, ["arrays of tokens are not supported, send strings"]),
        ("/embeddings", {"input": [[1, 2]]}, ["arrays of tokens are not supported"]),
        ("/embeddings", {"input": ["a", ""]}, ["input[1] must not be empty"]),
        ("/embeddings", {"encoding_format": "hex"}, ["encoding_format must be one of"]),
        ("/embeddings", {"dimensions": 0}, ["dimensions must be at least 1"]),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else "",
)
async def test_a_bad_field_is_named_with_its_fix(
    customer: Customer, path: str, fields: dict[str, Any], words: list[str]
) -> None:
    assert_error(await post(customer, path, {**POSTS[path], **fields}), 400, INVALID, *words)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"model": NaN}'], ids=repr)
@pytest.mark.parametrize("path", POSTS)
async def test_a_body_that_is_no_json_object_is_invalid(customer: Customer, path: str, body: bytes) -> None:
    answer = await customer.http.post(
        f"/api/v1{path}", content=body, headers={"Content-Type": "application/json"}
    )

    assert_error(answer, 400, INVALID)


async def test_a_body_of_another_type_or_too_large_keeps_its_status(customer: Customer) -> None:
    form = await customer.http.post("/api/v1/chat/completions", data={"model": "openai/gpt-5"})
    assert_error(form, 415, INVALID, "application/json")
    large = await post(customer, "/images/generations", {**IMAGE, "prompt": "x" * 2**20})
    assert_error(large, 413, INVALID, "larger than")
    text = await post(customer, "/images/edits", IMAGE)
    assert_error(text, 415, INVALID, "multipart/form-data")


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (None, ["Missing Authorization header"]),
        ("Basic abc", ["expected 'Bearer <token>'"]),
        ("Bearer sk_live_x", ["Invalid or missing API key"]),
        (f"Bearer {new_key()}", ["Invalid or missing API key"]),
    ],
    ids=["none", "basic", "malformed", "unknown"],
)
async def test_a_wrong_key_is_invalid_before_the_body_is_looked_at(
    stack: Stack, header: str | None, words: list[str]
) -> None:
    headers = {} if header is None else {"Authorization": header}
    async with httpx.AsyncClient(base_url=stack.api_url, headers=headers) as stranger:
        for answer in (
            await stranger.get("/api/v1/models"),
            await stranger.post("/api/v1/chat/completions", content=b"{"),
            await stranger.get("/api/v1/tasks/img_1"),
            await stranger.get("/api/v1/logs"),
        ):
            assert_error(answer, 401, "invalid_api_key", *words)
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_suspended_account_has_its_api_disabled(stack: Stack) -> None:
    async with await stack.customer("0") as gone:
        await stack.database["accounts"].update_one(
            {"_id": gone.account_id}, {"$set": {"status": "suspended"}}
        )

        assert_error(await gone.http.get("/api/v1/models"), 403, "api_disabled")


async def test_a_scope_opens_its_own_endpoints_and_no_others(stack: Stack, customer: Customer) -> None:
    keys = Keys(stack.database, stack.clock, stack.settings().key_pepper)
    _, key = await keys.create(customer.account_id, scopes=["models:read"])
    headers = {"Authorization": f"Bearer {key}"}

    assert (await customer.http.get("/api/v1/models", headers=headers)).status_code == 200
    for path, body in POSTS.items():
        answer = await customer.http.post(f"/api/v1{path}", json=body, headers=headers)
        assert_error(answer, 403, "scope_not_allowed", "scope")
    for path in ("/tasks/img_1", "/images/generations/img_1", "/logs"):
        assert_error(
            await customer.http.get(f"/api/v1{path}", headers=headers), 403, "scope_not_allowed", "tasks:read"
        )


async def test_an_expired_key_is_invalid(stack: Stack, customer: Customer) -> None:
    keys = Keys(stack.database, stack.clock, stack.settings().key_pepper)
    _, key = await keys.create(customer.account_id, expires_at=stack.clock.now() - timedelta(seconds=1))

    answer = await customer.http.get("/api/v1/models", headers={"Authorization": f"Bearer {key}"})
    assert_error(answer, 401, "invalid_api_key")


async def test_a_key_with_one_request_a_minute_is_told_when_to_come_back(
    stack: Stack, customer: Customer
) -> None:
    keys = Keys(stack.database, stack.clock, stack.settings().key_pepper)
    _, key = await keys.create(customer.account_id, requests_per_minute=1)
    headers = {"Authorization": f"Bearer {key}"}
    answers = [await customer.http.get("/api/v1/models", headers=headers) for _ in range(4)]

    refused = [answer for answer in answers if answer.status_code != 200]
    assert refused
    for answer in refused:
        assert_error(answer, 429, "rate_limit_exceeded")


@pytest.mark.parametrize("path", POSTS)
async def test_without_credits_a_request_is_refused_before_anything_happens(stack: Stack, path: str) -> None:
    async with await stack.customer("0.0099") as poor:
        answer = await post(poor, path, POSTS[path])

        assert_error(answer, 402, "insufficient_credits")
        assert await stack.database["tasks"].count_documents({"account_id": poor.account_id}) == 0


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1", 404, "not_found"),
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/api/v1/models/", 404, "not_found"),
        ("POST", "/api/v1/videos", 404, "not_found"),
        ("GET", "/api/v1/chat/completions", 405, "method_not_allowed"),
        ("DELETE", "/api/v1/models", 405, "method_not_allowed"),
        ("GET", "/api/v1/tasks/img_01k6x0v7w3h2m9q4x1b8c5d7ef", 404, "not_found"),
        ("GET", "/api/v1/images/generations/img_01k6x0v7w3h2m9q4x1b8c5d7ef", 404, "not_found"),
        ("GET", "/api/v1/tasks/%00", 404, "not_found"),
        ("GET", "/api/v1/logs?limit=0", 400, INVALID),
        ("GET", "/api/v1/logs?limit=101", 400, INVALID),
        ("GET", "/api/v1/logs?limit=1e9", 400, INVALID),
        ("GET", "/api/v1/logs?cursor=x", 400, INVALID),
        ("GET", "/api/v1/logs?status=ok", 400, INVALID),
        ("GET", "/api/v1/logs?from=yesterday", 400, INVALID),
        ("GET", "/api/v1/logs?to=2026-13-01", 400, INVALID),
    ],
)
async def test_an_unknown_address_method_or_filter_has_the_platforms_error_body(
    customer: Customer, method: str, path: str, status: int, code: str
) -> None:
    assert_error(await customer.http.request(method, path), status, code)


async def test_tasks_of_other_accounts_and_dialects_do_not_exist(stack: Stack, customer: Customer) -> None:
    async with await stack.customer() as other:
        made = (await post(other, "/images/generations", IMAGE)).json()["task_id"]
        foreign = await other.submit()

        assert_error(await customer.http.get(f"/api/v1/tasks/{made}"), 404, "not_found")
        assert_error(await other.http.get(f"/api/v1/tasks/{foreign}"), 404, "not_found")
        assert (await other.http.get(f"/v1/tasks/{made}")).status_code == 404
