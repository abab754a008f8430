"""EggAPI's error bodies (EggAPI documentation, "Errors" and "Authentication"): nothing is stored or held."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from shared.accounts.key import new_key
from tests.harness.client import Customer
from tests.harness.stack import Stack

VALID = {"model": "nanobanana", "prompt": "an egg"}


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
    balance = (await stack.ledger().balances([customer.account_id]))[customer.account_id]
    return await stack.database["tasks"].count_documents({"account_id": customer.account_id}), balance.seq


def assert_error(answer: httpx.Response, status: int, code: str, *words: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    body = answer.json()
    assert set(body) == {"data", "error"}
    assert body["data"] is None
    assert set(body["error"]) == {"code", "message"}
    assert body["error"]["code"] == code
    for word in words:
        assert word in body["error"]["message"], body["error"]["message"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"model": None}, ["model is required"]),
        ({"model": 7}, ["model must be a string"]),
        ({"model": ""}, ["model must not be empty"]),
        ({"model": "sora"}, ["model must be one of: nanobanana, nanobanana-pro"]),
        ({"model": {"$gt": ""}}, ["model must be a string"]),
        ({"prompt": None}, ["prompt is required"]),
        ({"prompt": ""}, ["prompt must not be empty"]),
        ({"prompt": "x" * 2001}, ["prompt must have at most 2000 characters"]),
        ({"prompt": ["a"]}, ["prompt must be a string"]),
        ({"prompt": {"$ne": None}}, ["prompt must be a string"]),
        ({"negative_prompt": "x" * 1001}, ["negative_prompt must have at most 1000 characters"]),
        ({"negative_prompt": 1}, ["negative_prompt must be a string"]),
        ({"aspect_ratio": "4:3"}, ["aspect_ratio must be one of: '16:9', '9:16'"]),
        ({"aspect_ratio": 1.78}, ["aspect_ratio must be one of"]),
        ({"num_outputs": 0}, ["num_outputs must be at least 1"]),
        ({"num_outputs": 5}, ["num_outputs must be at most 4"]),
        ({"num_outputs": -(2**60)}, ["num_outputs must be at least 1"]),
        ({"num_outputs": "3"}, ["num_outputs must be an integer"]),
        ({"num_outputs": True}, ["num_outputs must be an integer"]),
        ({"num_outputs": 1.5}, ["num_outputs must be an integer"]),
        ({"resolution": "8k"}, ["resolution must be one of: '1k', '2k', '4k'"]),
        ({"resolution": 4}, ["resolution must be one of"]),
        ({"image_urls": "https://example.org/a.png"}, ["image_urls must be an array"]),
        ({"image_urls": ["https://example.org/a.png"] * 10}, ["image_urls must have at most 9 items"]),
        ({"image_urls": [3]}, ["image_urls[0] must be a string"]),
        ({"image_urls": ["https://example.org/a.png", "nonsense"]}, ["image_urls[1]"]),
        ({"image_urls": ["file:///etc/passwd"]}, ["image_urls[0]"]),
        ({"image_urls": ["https://10.0.0.1/a.png"]}, ["image_urls[0]"]),
        ({"image_urls": ["https://user:pass@example.org/a.png"]}, ["image_urls[0]"]),
        ({"image_url": "ftp://example.org/a.png"}, ["image_url"]),
        ({"webhook_url": "not a url"}, ["webhook_url"]),
        ({"webhook_url": "https://example.org/" + "x" * 2048}, ["webhook_url must have at most 2048"]),
        ({"webhook_url": "https://169.254.169.254/latest"}, ["webhook_url"]),
        ({"webhook_url": "https://example.org/\r\nX-Evil: 1"}, ["webhook_url"]),
        ({"webhook_url": 5}, ["webhook_url must be a string"]),
        ({"duration": 61}, ["duration must be at most 60"]),
        ({"duration": "5"}, ["duration must be an integer"]),
        ({"mode": "turbo"}, ["mode must be one of"]),
        ({"orientation": "square"}, ["orientation must be one of"]),
        ({"prompt": "", "num_outputs": 9}, ["prompt must not be empty", "num_outputs must be at most 4"]),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else "",
)
async def test_a_bad_field_is_named_with_its_fix(
    customer: Customer, fields: dict[str, Any], words: list[str]
) -> None:
    assert_error(
        await customer.http.post("/v1/generate", json={**VALID, **fields}), 400, "VALIDATION_ERROR", *words
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"{'model': 'nanobanana'}",
        b'{"model": NaN}',
        b'{"model": 1e400}',
        b'{"prompt": "\\ud800"}',
        b'{"prompt": "a\\u0000b"}',
        b'{"num_outputs": -1180591620717411303424}',
        b'{"prompt": "\xff\xfe"}',
        b"[" * 100_000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
    ],
    ids=lambda body: repr(body[:24]),
)
async def test_a_body_that_is_no_json_object_is_a_bad_request(customer: Customer, body: bytes) -> None:
    answer = await customer.http.post(
        "/v1/generate", content=body, headers={"Content-Type": "application/json"}
    )

    assert_error(answer, 400, "BAD_REQUEST")


@pytest.mark.parametrize("media_type", [None, "text/plain", "application/x-www-form-urlencoded", "text/json"])
async def test_another_content_type_is_told_the_right_one(customer: Customer, media_type: str | None) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    answer = await customer.http.post("/v1/generate", content=json.dumps(VALID), headers=headers)

    assert_error(answer, 415, "BAD_REQUEST", "application/json")


async def test_a_body_that_is_too_large_is_refused_whether_announced_or_not(customer: Customer) -> None:
    body = json.dumps({**VALID, "padding": "x" * 1_100_000}).encode()

    async def chunks() -> AsyncIterator[bytes]:
        yield body

    headers = {"Content-Type": "application/json"}
    announced = await customer.http.post("/v1/generate", content=body, headers=headers)
    streamed = await customer.http.post("/v1/generate", content=chunks(), headers=headers)

    assert_error(announced, 413, "BAD_REQUEST")
    assert_error(streamed, 413, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, "Missing Authorization header"),
        ("", "Missing Authorization header"),
        ("Basic dXNlcjpwYXNz", "Invalid Authorization format, expected 'Bearer <token>'"),
        ("Bearer", "Invalid Authorization format, expected 'Bearer <token>'"),
        ("Bearer sk_live_nonsense", "Invalid or missing API key"),
        pytest.param("Bearer " + new_key(), "Invalid or missing API key", id="unknown key"),
        ('Bearer {"$gt": ""}', "Invalid or missing API key"),
    ],
)
@pytest.mark.parametrize(
    "path", ["/v1/generate", "/v1/tasks", "/v1/tasks/gen_x", "/v1/usage", "/v1/usage/summary"]
)
async def test_without_a_valid_key_every_address_says_401(
    stack: Stack, path: str, header: str | None, message: str
) -> None:
    async with httpx.AsyncClient(base_url=stack.api_url) as client:
        method = "POST" if path == "/v1/generate" else "GET"
        headers = {} if header is None else {"Authorization": header}
        answer = await client.request(method, path, headers=headers)

    assert_error(answer, 401, "UNAUTHORIZED", message)
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_key_of_a_suspended_account_is_forbidden(stack: Stack) -> None:
    async with await stack.customer() as suspended:
        await stack.database["accounts"].update_one(
            {"_id": suspended.account_id}, {"$set": {"status": "suspended"}}
        )

        assert_error(await suspended.http.get("/v1/tasks"), 403, "FORBIDDEN")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "NOT_FOUND"),
        ("GET", "/openapi.json", 404, "NOT_FOUND"),
        ("POST", "/v1/generate/", 404, "NOT_FOUND"),
        ("GET", "/v1/tasks/gen_unknown", 404, "NOT_FOUND"),
        ("GET", "/v1/tasks/gen_%00", 404, "NOT_FOUND"),
        ("GET", "/v1/tasks/gen_unknown/events", 404, "NOT_FOUND"),
        ("GET", "/v1/tasks/gen_unknown?wait=61", 400, "BAD_REQUEST"),
        ("GET", "/images/gen_unknown/0.png", 404, "NOT_FOUND"),
        ("GET", "/images/gen_01k6x0v7w3h2m9q4x1b8c5d7ef/0.png", 404, "NOT_FOUND"),
        ("GET", "/images/..%2f..%2fsecret/0.png", 404, "NOT_FOUND"),
        ("GET", "/v1/generate", 405, "BAD_REQUEST"),
        ("DELETE", "/v1/tasks/gen_unknown", 405, "BAD_REQUEST"),
        ("POST", "/v1/usage", 405, "BAD_REQUEST"),
        ("GET", "/v1/tasks?page=0", 400, "BAD_REQUEST"),
        ("GET", "/v1/tasks?page=x", 400, "BAD_REQUEST"),
        ("GET", "/v1/tasks?page=1e9", 400, "BAD_REQUEST"),
        ("GET", "/v1/tasks?page=99999999999999999999", 400, "BAD_REQUEST"),
        ("GET", "/v1/usage?per_page=-1", 400, "BAD_REQUEST"),
        ("GET", "/v1/usage?per_page=", 400, "BAD_REQUEST"),
        ("GET", "/v1/usage?per_page=000000000001" + "9" * 30, 400, "BAD_REQUEST"),
        pytest.param("GET", "/v1/tasks?page=1" + "9" * 5000, 400, "BAD_REQUEST", id="five thousand digits"),
    ],
)
async def test_an_unknown_address_method_or_page_has_the_vendors_error_body(
    customer: Customer, method: str, path: str, status: int, code: str
) -> None:
    assert_error(await customer.http.request(method, path), status, code)


async def test_another_accounts_task_does_not_exist(stack: Stack, customer: Customer) -> None:
    async with await stack.customer() as other:
        foreign = await other.submit()

        seen = await customer.http.get(f"/v1/tasks/{foreign}")
        unknown = await customer.http.get("/v1/tasks/gen_01k6x0v7w3h2m9q4x1b8c5d7ef")

    assert_error(seen, 404, "NOT_FOUND")
    assert seen.text == unknown.text


async def test_a_revoked_key_stops_working(stack: Stack) -> None:
    async with await stack.customer() as leaving:
        assert (await leaving.http.get("/v1/tasks")).status_code == 200
        await stack.database["keys"].update_one(
            {"_id": leaving.key_id}, {"$set": {"revoked_at": stack.clock.now()}}
        )
        await stack.announce_revocation(leaving.key_id)

        for _ in range(100):
            answer = await leaving.http.get("/v1/tasks")
            if answer.status_code == 401:
                break
            await asyncio.sleep(0.02)
        assert_error(answer, 401, "UNAUTHORIZED", "Invalid or missing API key")
