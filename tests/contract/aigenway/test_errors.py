"""Aigenway's error bodies, for every code that a client can meet before a task exists."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from shared.accounts.key import Keys, new_key
from tests.contract.aigenway.client import (
    EMBEDDING,
    GPT,
    IMAGE,
    KLING,
    TEXT,
    VEO,
    AigenwayCustomer,
    aigenway_customer,
)
from tests.harness.stack import Stack

REQUEST_ID = re.compile(r"req_[0-9a-z]{26}")
PROMPT = {"prompt": "a cat"}


@pytest_asyncio.fixture(scope="module")
async def customer(session_stack: Stack) -> AsyncIterator[AigenwayCustomer]:
    async with aigenway_customer(session_stack, "1") as one:
        yield one


@pytest_asyncio.fixture(autouse=True)
async def _nothing_is_stored_or_held(session_stack: Stack, customer: AigenwayCustomer) -> AsyncIterator[None]:
    before = await _traces(session_stack, customer)
    yield
    assert await _traces(session_stack, customer) == before


async def _traces(stack: Stack, customer: AigenwayCustomer) -> tuple[int, int]:
    balance = (await stack.ledger().balances([customer.account_id]))[customer.account_id]
    return await stack.database["tasks"].count_documents({"account_id": customer.account_id}), balance.seq


def assert_error(
    answer: httpx.Response, status: int, code: str, message: str = "", details: dict[str, Any] | None = None
) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert list(body) == ["success", "error"]
    assert body["success"] is False
    error = body["error"]
    assert list(error) == ["code", "message", "details", "request_id"]
    assert error["code"] == code
    assert message in error["message"], error["message"]
    assert details is None or error["details"] == details
    assert REQUEST_ID.fullmatch(error["request_id"])
    assert answer.headers["x-request-id"] == error["request_id"]


async def on_both(
    customer: AigenwayCustomer, body: dict[str, Any], status: int, code: str, *more: Any
) -> None:
    """An estimate refuses what a generation refuses."""
    for path in ("/v1/estimate", "/v1/generations"):
        assert_error(await customer.http.post(path, json=body), status, code, *more)


@pytest.mark.parametrize(
    ("body", "status", "code", "message"),
    [
        ({}, 400, "invalid_request", "method is required"),
        ({**IMAGE, "provider": None}, 400, "invalid_request", "provider is required"),
        ({**IMAGE, "model": 7}, 400, "invalid_request", "model must be a string"),
        ({**IMAGE, "provider": ""}, 400, "invalid_request", "provider must be"),
        ({**IMAGE, "method": {"$gt": ""}}, 400, "invalid_request", "method must be a string"),
        ({**IMAGE, "params": []}, 400, "invalid_request", "params must be an object"),
        ({**IMAGE, "params": PROMPT, "coupon": 5}, 400, "invalid_request", "coupon must be a string"),
        ({**IMAGE, "params": PROMPT, "callback_url": 5}, 400, "invalid_request", "callback_url"),
        (
            {**IMAGE, "params": PROMPT, "callback_url": "ftp://a.example"},
            400,
            "invalid_request",
            "callback_url",
        ),
        (
            {**IMAGE, "params": PROMPT, "callback_url": "https://169.254.169.254/"},
            400,
            "invalid_request",
            "callback_url",
        ),
        ({**IMAGE, "provider": "midjourney"}, 400, "unsupported_provider", ""),
        ({**IMAGE, "model": "gemini-1"}, 400, "unsupported_model", ""),
        ({**IMAGE, "method": "lip_sync"}, 400, "unsupported_method", ""),
        ({**VEO, "method": "video_extend"}, 400, "unsupported_method", ""),
        ({"method": "google_banana/gemini-1/text_to_image"}, 400, "unsupported_model", ""),
        ({**GPT, "model": "dall-e-3"}, 400, "unsupported_model", ""),
        ({**IMAGE, "params": PROMPT, "coupon": "FREE"}, 422, "coupon_invalid", ""),
        ({**IMAGE, "params": PROMPT, "coupon": "no such\ncode"}, 422, "coupon_invalid", ""),
    ],
)
async def test_a_bad_body_is_refused(
    customer: AigenwayCustomer, body: dict[str, Any], status: int, code: str, message: str
) -> None:
    await on_both(customer, body, status, code, message)


@pytest.mark.parametrize(
    ("target", "params", "message"),
    [
        (IMAGE, {}, "prompt is required"),
        (IMAGE, {"prompt": None}, "prompt is required"),
        (IMAGE, {"prompt": 5}, "prompt must be a string"),
        (IMAGE, {"prompt": ""}, "prompt must have at least 1 characters"),
        (IMAGE, {**PROMPT, "resolution": "8K"}, "resolution must be one of: 0.5K, 1K, 2K, 4K"),
        (IMAGE, {**PROMPT, "aspect_ratio": "2:1"}, "aspect_ratio must be one of"),
        (IMAGE, {**PROMPT, "images_count": 0}, "images_count must be at least 1"),
        (IMAGE, {**PROMPT, "images_count": 5}, "images_count must be at most 4"),
        (IMAGE, {**PROMPT, "images_count": True}, "images_count must be an integer"),
        (IMAGE, {**PROMPT, "images_count": "2"}, "images_count must be an integer"),
        (IMAGE, {**PROMPT, "callback_url": "not a url"}, "callback_url is not usable"),
        ({**IMAGE, "method": "image_edit"}, PROMPT, "input_images is required"),
        (
            {**IMAGE, "method": "image_edit"},
            {**PROMPT, "input_images": ["https://10.0.0.1/a.png"]},
            "input_images[0] is not usable",
        ),
        (
            {**IMAGE, "method": "multi_reference_image"},
            {**PROMPT, "input_images": ["https://a.example/1.png"]},
            "input_images must have at least 2 items",
        ),
        (VEO, {**PROMPT, "duration_seconds": 5}, "duration_seconds must be one of: 4, 6, 8, 10, 12"),
        (VEO, {**PROMPT, "videos_count": 2}, "videos_count must be at most 1"),
        ({**VEO, "method": "image_to_video"}, PROMPT, "input_image_url is required"),
        (KLING, {**PROMPT, "mode": "turbo"}, "mode must be one of: standard, pro"),
        (TEXT, {}, "prompt or messages is required"),
        (TEXT, {**PROMPT, "temperature": 2.5}, "temperature must be at most 2"),
        (TEXT, {**PROMPT, "max_output_tokens": 8193}, "max_output_tokens must be at most 8192"),
        (TEXT, {**PROMPT, "stop_sequences": [5]}, "stop_sequences must be an array of strings"),
        (TEXT, {"messages": [{"role": "narrator", "content": "x"}]}, "messages"),
        (TEXT, {**PROMPT, "tools": [{"retrieval": {}}]}, "tools[0] must have function_declarations"),
        (TEXT, {**PROMPT, "response_schema": {"type": "date"}}, "response_schema has an unknown type"),
        (
            TEXT,
            {**PROMPT, "response_schema": {"$ref": "https://a.example/schema"}},
            "response_schema has a $ref to",
        ),
        (TEXT, {**PROMPT, "response_format": {"type": "xml"}}, "response_format has a type"),
        (TEXT, {**PROMPT, "system_instruction": {"text": "x"}}, "system_instruction must be"),
        (EMBEDDING, {}, "inputs or input is required"),
        (EMBEDDING, {"inputs": []}, "inputs must have at least 1 items"),
        (EMBEDDING, {"inputs": ["a", 5]}, "inputs[1] must be a string"),
        (EMBEDDING, {"inputs": ["a"] * 101}, "inputs must have 1 to 100 items"),
        (EMBEDDING, {"input": "a", "title": "b"}, "title goes with task_type RETRIEVAL_DOCUMENT only"),
        (EMBEDDING, {"input": "a", "task_type": "GUESSING"}, "task_type must be one of"),
        (
            EMBEDDING,
            {"input": "a", "output_dimensionality": 769},
            "output_dimensionality must be at most 768",
        ),
    ],
)
async def test_bad_params_are_named_with_their_fix(
    customer: AigenwayCustomer, target: dict[str, str], params: dict[str, Any], message: str
) -> None:
    await on_both(customer, {**target, "params": params}, 422, "invalid_parameters", message)


async def test_the_details_name_every_parameter_at_fault(customer: AigenwayCustomer) -> None:
    fields = [
        {"field": "params.prompt", "message": "prompt is required"},
        {"field": "params.images_count", "message": "images_count must be at most 4"},
    ]

    await on_both(
        customer, {**IMAGE, "params": {"images_count": 9}}, 422, "invalid_parameters", "", {"fields": fields}
    )


@pytest.mark.parametrize(
    ("target", "params", "bundle"),
    [
        (KLING, {}, {}),
        (
            KLING,
            {"mode": "standard", "resolution": "720p", "duration_seconds": 5},
            {"mode": "standard", "resolution": "720p", "duration": "5"},
        ),
        (
            KLING,
            {"mode": "pro", "resolution": "1080p"},
            {"mode": "pro", "resolution": "1080p"},
        ),
        ({**IMAGE, "model": "gemini-3-pro-image-preview"}, {"resolution": "0.5K"}, {"resolution": "0.5K"}),
    ],
)
async def test_a_bundle_without_a_price_is_refused(
    customer: AigenwayCustomer, target: dict[str, str], params: dict[str, Any], bundle: dict[str, str]
) -> None:
    await on_both(
        customer,
        {**target, "params": {**PROMPT, **params}},
        422,
        "price_not_configured",
        "Pricing is not configured for this bundle",
        {**target, **bundle},
    )


async def test_too_little_money_is_told_with_its_numbers(customer: AigenwayCustomer) -> None:
    params = {**PROMPT, "resolution": "4K", "images_count": 4}
    expensive = {"model": "gemini-3-pro-image-preview", "method": "text_to_image", "params": params}

    estimate = await customer.http.post("/v1/estimate", json={**IMAGE, **expensive})
    answer = await customer.http.post("/v1/generations", json={**IMAGE, **expensive})

    assert estimate.json()["balance_sufficient"] is False
    details = {
        "requiredAmount": "144000000",
        "availableAmount": "100000000",
        "requiredCents": 144,
        "availableCents": 100,
    }
    assert_error(answer, 402, "insufficient_balance", "", details)


@pytest.mark.parametrize("path", ["/v1/estimate", "/v1/generations", "/v1/methods", "/v1/balance"])
@pytest.mark.parametrize(
    "header", [None, "Basic dXNlcjpwYXNz", "Bearer " + new_key()], ids=lambda v: str(v)[:8]
)
async def test_without_a_valid_key_every_address_says_401(
    stack: Stack, path: str, header: str | None
) -> None:
    async with httpx.AsyncClient(base_url=stack.api_url) as client:
        method = "POST" if path in ("/v1/estimate", "/v1/generations") else "GET"
        answer = await client.request(method, path, headers={"Authorization": header} if header else {})

    assert_error(answer, 401, "invalid_api_key")


async def test_a_suspended_account_is_blocked(stack: Stack) -> None:
    async with aigenway_customer(stack, "0") as suspended:
        await stack.database["accounts"].update_one(
            {"_id": suspended.account_id}, {"$set": {"status": "suspended"}}
        )
        assert_error(await suspended.http.get("/v1/balance"), 403, "user_blocked")


@pytest.mark.parametrize(
    ("scopes", "target", "allowed"),
    [
        (["chat"], TEXT, True),
        (["chat"], IMAGE, False),
        (["images"], TEXT, False),
        (["images"], EMBEDDING, False),
    ],
)
async def test_a_key_with_scopes_has_only_their_methods(
    stack: Stack, customer: AigenwayCustomer, scopes: list[str], target: dict[str, str], allowed: bool
) -> None:
    keys = Keys(stack.database, stack.clock, stack.settings().key_pepper)
    async with aigenway_customer(stack, "1") as owner:
        _, key = await keys.create(owner.account_id, scopes=scopes)
        answer = await customer.http.post(
            "/v1/generations",
            json={**target, "params": PROMPT},
            headers={"Authorization": f"Bearer {key}"},
        )

    if allowed:
        assert answer.status_code == 200
    else:
        assert_error(answer, 403, "method_not_available_for_user")


async def test_an_exhausted_key_is_told_when_to_come_back(stack: Stack, customer: AigenwayCustomer) -> None:
    keys = Keys(stack.database, stack.clock, stack.settings().key_pepper)
    _, key = await keys.create(customer.account_id, requests_per_minute=1)
    headers = {"Authorization": f"Bearer {key}"}

    answers = [await customer.http.get("/v1/balance", headers=headers) for _ in range(20)]

    last = next(answer for answer in answers if answer.status_code != 200)
    assert_error(last, 429, "rate_limit_exceeded")
    assert int(last.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "invalid_request"),
        ("GET", "/v1/generations", 405, "invalid_request"),
        ("DELETE", "/v1/tasks/tsk_unknown", 405, "invalid_request"),
        ("GET", "/v1/tasks/tsk_01JAX4Q7Z9WMKD3F5T8R2VBNHC", 404, "task_not_found"),
        ("GET", "/v1/tasks/task_01HXYZ", 404, "task_not_found"),
        ("GET", "/v1/tasks/cmom3x5k20000qwerty123456", 404, "task_not_found"),
        ("GET", "/v1/tasks/%00", 404, "task_not_found"),
        ("GET", "/v1/tasks/tsk_unknown/result", 404, "task_not_found"),
        ("GET", "/v1/tasks/gen_7k2m9q4x1b8c/result", 404, "task_not_found"),
        ("POST", "/v1/tasks/tsk_unknown/cancel", 404, "task_not_found"),
        ("GET", "/v1/tasks/tsk_unknown/events", 404, "task_not_found"),
        ("GET", "/v1/files/results/acc_1/tsk_1/image_0-aa.png", 404, "task_not_found"),
        ("GET", "/v1/files/results/acc_1/tsk_1/..%2f..%2fsecret", 404, "invalid_request"),
        ("GET", "/v1/methods?provider=midjourney", 400, "unsupported_provider"),
        ("GET", "/v1/prices?provider=midjourney", 400, "unsupported_provider"),
        ("GET", "/v1/prices?page=0", 400, "invalid_request"),
        ("GET", "/v1/prices?pageSize=x", 400, "invalid_request"),
        ("GET", "/v1/tasks/tsk_unknown?wait=61", 400, "invalid_request"),
    ],
)
async def test_an_unknown_address_method_or_page_has_the_vendors_error_body(
    customer: AigenwayCustomer, method: str, path: str, status: int, code: str
) -> None:
    assert_error(await customer.http.request(method, path), status, code)


async def test_a_body_that_is_no_json_object_is_invalid(customer: AigenwayCustomer) -> None:
    headers = {"Content-Type": "application/json"}

    broken = await customer.http.post("/v1/generations", content=b"{", headers=headers)
    text = await customer.http.post("/v1/generations", content=b"{}", headers={"Content-Type": "text/plain"})
    large = await customer.http.post("/v1/generations", content=b" " * 9_000_000, headers=headers)

    assert_error(broken, 400, "invalid_request")
    assert_error(text, 415, "invalid_request")
    assert_error(large, 413, "invalid_request")


@pytest.mark.parametrize("key", ["", "a.b", "x" * 256, "a b"])
async def test_a_malformed_idempotency_key_is_invalid(customer: AigenwayCustomer, key: str) -> None:
    answer = await customer.generate(IMAGE, {"Idempotency-Key": key}, params=PROMPT)

    assert_error(answer, 400, "invalid_request", "Idempotency-Key")


async def test_tasks_of_others_and_of_other_dialects_do_not_exist(
    stack: Stack, customer: AigenwayCustomer
) -> None:
    async with aigenway_customer(stack, "1") as other:
        foreign = await other.queued(IMAGE, params=PROMPT)
        await other.finished(foreign)
        egg = await other.http.post("/v1/generate", json={"model": "nanobanana", "prompt": "an egg"})
        egg_id = egg.json()["data"]["id"]
        picture = await other.http.post(
            "/api/v1/images/generations", json={"model": "google/nano-banana", "prompt": "an egg"}
        )
        seen = [
            await customer.http.get(f"/v1/tasks/{foreign}"),
            await customer.http.get(f"/v1/tasks/{foreign}/result"),
            await other.http.get(f"/v1/tasks/{egg_id}/result"),
            await other.http.get(f"/v1/tasks/{picture.json()['task_id']}"),
        ]
        assert (await other.http.get(f"/v1/tasks/{egg_id}")).json()["data"]["id"] == egg_id

    for answer in seen:
        assert_error(answer, 404, "task_not_found", "Task not found")


async def test_a_key_of_an_expired_time_is_void(stack: Stack, customer: AigenwayCustomer) -> None:
    keys = Keys(stack.database, stack.clock, stack.settings().key_pepper)
    _, key = await keys.create(customer.account_id, expires_at=stack.clock.now() - timedelta(seconds=1))

    answer = await customer.http.get("/v1/balance", headers={"Authorization": f"Bearer {key}"})

    assert_error(answer, 401, "invalid_api_key")
