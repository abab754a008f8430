"""Bodies, headers and queries made to break things: refused in the dialect's shape, never a 500."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psutil
import pytest

from tests.harness.client import Customer
from tests.harness.stack import Stack
from tests.security.routes import Route, keyed_routes

MEGABYTE = 1024 * 1024
OPERATORS: list[Any] = [{"$gt": ""}, {"$ne": None}, {"$where": "sleep(1000)"}, ["$gt"], {"$regex": ".*"}]
MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "half": b'{"model":',
    "deep": b'{"model":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "wide": b'{"model":[' + b"0," * 20_000 + b"0]}",
    "nan": b'{"model":NaN}',
    "infinity": b'{"model":-Infinity}',
    "too great": b'{"num_outputs":1e400}',
    "beyond int64": b'{"num_outputs":9223372036854775808}',
    "thousands of digits": b'{"num_outputs":' + b"9" * 10_000 + b"}",
    "lone surrogate": b'{"prompt":"\\ud800"}',
    "nul in a name": b'{"a\\u0000b":1}',
    "nul in a text": b'{"prompt":"a\\u0000b"}',
    "twice": b'{"model":"nanobanana","prompt":"a","prompt":"b"}',
    "not utf-8": b'{"prompt":"\xff\xfe"}',
    "utf-16": '{"prompt":"a"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"prompt":"a"}',
    "an array": b"[1]",
    "a text": b'"text"',
    "null": b"null",
}


@pytest.fixture
async def customer(stack: Stack) -> AsyncIterator[Customer]:
    async with await stack.customer() as found:
        yield found


async def json_routes() -> list[Route]:
    """Where a JSON body is read."""
    found = [route for route in await keyed_routes() if route.method == "POST" and not route.names_something]
    assert len(found) >= 3
    return [route for route in found if not route.path.endswith("/edits")]


def is_refusal(answer: httpx.Response) -> bool:
    """A 4xx that says what is wrong, in a body of a known shape."""
    error = answer.json()["error"]
    return 400 <= answer.status_code < 500 and bool(error["code"]) and 0 < len(error["message"]) < 1000


@pytest.mark.parametrize("name", MALFORMED)
async def test_what_is_no_good_json_is_refused_everywhere(customer: Customer, name: str) -> None:
    for route in await json_routes():
        headers = {"Content-Type": "application/json"}
        answer = await customer.http.post(route.path, content=MALFORMED[name], headers=headers)
        assert answer.status_code == 400, (route, answer.text)
        assert is_refusal(answer)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json; charset*=utf-8''x"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/xml"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        {},
    ],
)
async def test_types_charsets_and_codings_that_nobody_reads_are_refused(
    customer: Customer, headers: dict[str, str]
) -> None:
    for route in await json_routes():
        answer = await customer.http.post(route.path, content=b'{"prompt":"a"}', headers=headers)
        assert answer.status_code in {400, 415}, (route, answer.text)
        assert is_refusal(answer)


async def test_seventeen_megabytes_are_refused_with_and_without_a_length(
    stack: Stack, customer: Customer
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"prompt":"'
        for _ in range(17 * 16):
            yield b"x" * (MEGABYTE // 16)

    (api,) = stack.of("api")
    before = psutil.Process(api.pid).memory_info().rss
    headers = {"Content-Type": "application/json"}
    whole = b'{"prompt":"' + b"x" * 17 * MEGABYTE
    for route in await json_routes():
        announced = await customer.http.post(route.path, content=whole, headers=headers)
        assert (announced.status_code, is_refusal(announced)) == (413, True), route
        counted = await customer.http.post(route.path, content=pieces(), headers=headers)
        assert (counted.status_code, is_refusal(counted)) == (413, True), route
    assert psutil.Process(api.pid).memory_info().rss - before < 64 * MEGABYTE


TEXTS = {
    "/v1/generate": (
        "model",
        "prompt",
        "negative_prompt",
        "webhook_url",
        "aspect_ratio",
        "image_url",
        "mode",
    ),
    "/api/v1/images/generations": ("model", "prompt", "size"),
    "/api/v1/chat/completions": ("model", "messages", "user"),
    "/api/v1/embeddings": ("model", "input", "user"),
}
"""Fields that are read as texts. Of routes that are not here, the first two are asked."""


@pytest.mark.parametrize("value", OPERATORS, ids=json.dumps)
async def test_an_operator_of_the_database_is_no_text(customer: Customer, value: Any) -> None:
    for route in await json_routes():
        for name in TEXTS.get(route.path, ("model", "prompt")):
            body = {"model": "nanobanana", "prompt": "a", "messages": [], "input": "a", name: value}
            answer = await customer.http.post(route.path, json=body)
            assert is_refusal(answer), (route, name, answer.text)
    assert (await customer.http.get("/v1/tasks")).json()["data"]["pagination"]["total"] == 0


@pytest.mark.parametrize("text", ['{"$gt":""}', "$where", "[$ne]=1", "';drop", "\u00e9\u4e2d", "a" * 4000])
async def test_queries_and_headers_are_no_operators_either(customer: Customer, text: str) -> None:
    names = ("page", "per_page", "limit", "cursor", "status", "model", "after", "since", "wait", "from")
    for route in await keyed_routes():
        if route.method != "GET":
            continue
        path = route.at("gen_01k6x0v7w3h2m9q4x1b8c5d7ef")
        for name in names:
            for query in ({name: text}, {f"{name}[$gt]": text}):
                answer = await customer.http.get(path, params=query)
                assert answer.status_code < 500, (route, query, answer.text)
        headers = {"Last-Event-ID": text.encode(), "X-Request-Id": text.encode(), "Prefer": text.encode()}
        answer = await customer.http.get(path, headers=headers)
        assert answer.status_code < 500, (route, answer.text)
        assert text not in answer.headers["x-request-id"]


@pytest.mark.parametrize("raw", [b"a\rb: c", b"a\nb: c", b"a\r\nb: c", b"a\x00b", b"a\x0bb\x7f", b"\xff\xfe"])
@pytest.mark.parametrize("name", [b"Idempotency-Key", b"X-Request-Id", b"Last-Event-ID", b"Authorization"])
async def test_line_ends_and_nul_in_headers_come_back_in_none(stack: Stack, name: bytes, raw: bytes) -> None:
    body = b'{"model":"nanobanana","prompt":"a"}'
    async with await stack.customer() as customer:
        head = [
            b"POST /v1/generate HTTP/1.1",
            b"Host: x",
            b"Content-Type: application/json",
            b"Content-Length: " + str(len(body)).encode(),
            b"Connection: close",
            b"Authorization: Bearer " + customer.key.encode(),
        ]
        if name == b"Authorization":
            head.pop()
        answer = _exchange(stack.port, b"\r\n".join([*head, name + b": " + raw]) + b"\r\n\r\n" + body)
    status, _, _ = answer.partition(b"\r\n")
    assert int(status.split()[1]) < 500, answer
    fields = [line.partition(b":")[0].lower() for line in answer.partition(b"\r\n\r\n")[0].split(b"\r\n")]
    assert b"b" not in fields
    if name == b"Idempotency-Key" and raw != b"a\r\nb: c":
        assert status.split()[1] == b"400"


@pytest.mark.parametrize("evil", ["http://a/\r\nX: y", "http://a/\n", "http://a/\x00", "http://a\t/", "a b"])
async def test_line_ends_and_nul_in_addresses_are_refused(customer: Customer, evil: str) -> None:
    for field in ("webhook_url", "image_url", "model"):
        answer = await customer.http.post(
            "/v1/generate", json={"model": "nanobanana", "prompt": "a", field: evil}
        )
        assert is_refusal(answer), (field, answer.text)
        assert "\r" not in answer.text


@pytest.mark.parametrize(
    "query", ["page=0", "page=-1", "page=1e9", "page=" + "9" * 30, "per_page=x", "page=%00"]
)
async def test_pages_that_cannot_be_are_refused(customer: Customer, query: str) -> None:
    for path in ("/v1/tasks", "/v1/usage"):
        assert is_refusal(await customer.http.get(f"{path}?{query}"))


async def test_no_page_is_longer_than_a_hundred(customer: Customer) -> None:
    answer = await customer.http.get("/v1/tasks?per_page=1000000000")
    assert answer.json()["data"]["pagination"]["per_page"] == 100
    assert is_refusal(await customer.http.get("/api/v1/logs?limit=1000000000"))


async def test_a_prompt_with_line_ends_forges_no_line_in_the_logs(stack: Stack, customer: Customer) -> None:
    forged = '{"event":"forged by a prompt","level":"error"}'
    await customer.post(prompt=f"a hen\n{forged}\r\n{forged}\u2028{forged}")
    await customer.http.get("/v1/tasks", headers={"X-Request-Id": "a" * 300, "User-Agent": f"x {forged}"})
    await customer.http.post("/v1/generate", content=f"\n{forged}\n", headers={"Content-Type": "a/b"})
    await customer.http.get(f"/v1/tasks/gen_%0a{forged}")
    lines = [line for line in stack.logs().splitlines() if line.strip()]
    assert lines
    assert all(isinstance(json.loads(line), dict) for line in lines if line.startswith("{"))
    assert not any(
        json.loads(line)["event"] == "forged by a prompt" for line in lines if line.startswith("{")
    )


def _exchange(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer
