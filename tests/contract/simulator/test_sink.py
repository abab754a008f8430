from __future__ import annotations

import base64
import time

import httpx
import pytest


@pytest.fixture
async def sink(sim: httpx.AsyncClient) -> str:
    await sim.delete("/_sim/sink/hook")
    return "/_sim/sink/hook"


async def test_the_sink_keeps_exact_bytes_and_headers(sim: httpx.AsyncClient, sink: str) -> None:
    body = b'{ "a":1,\n"b": "\xc3\xa9" }'
    assert (await sim.post(sink, content=body, headers={"X-Signature": "abc"})).status_code == 200
    [post] = (await sim.get(sink)).json()["posts"]
    assert base64.b64decode(post["body_base64"]) == body
    assert {name.lower(): value for name, value in post["headers"].items()}["x-signature"] == "abc"
    assert post["received_at"].endswith("Z")
    assert post["status"] == 200


async def test_the_sink_fails_the_first_posts_of_a_name(sim: httpx.AsyncClient, sink: str) -> None:
    query = {"fail": "2", "status": "503", "retry_after": "7"}
    answers = [await sim.post(sink, params=query) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["retry-after"] == "7"
    assert "retry-after" not in answers[2].headers
    assert [post["status"] for post in (await sim.get(sink)).json()["posts"]] == [503, 503, 200]


async def test_the_sink_fails_with_500_unless_told_otherwise(sim: httpx.AsyncClient, sink: str) -> None:
    assert [(await sim.post(f"{sink}?fail=-1")).status_code for _ in range(3)] == [500, 500, 500]


async def test_names_are_apart_and_deleting_one_starts_it_anew(sim: httpx.AsyncClient, sink: str) -> None:
    await sim.post(f"{sink}?fail=1")
    await sim.post("/_sim/sink/other")
    assert (await sim.delete(sink)).status_code == 204
    assert (await sim.get(sink)).json() == {"posts": []}
    assert len((await sim.get("/_sim/sink/other")).json()["posts"]) == 1
    assert (await sim.post(f"{sink}?fail=1")).status_code == 500
    await sim.delete("/_sim/sink/other")


async def test_the_sink_answers_late_on_demand(sim: httpx.AsyncClient, sink: str) -> None:
    began = time.monotonic()
    assert (await sim.post(f"{sink}?delay_ms=150")).status_code == 200
    assert time.monotonic() - began >= 0.15


@pytest.mark.parametrize("query", ["fail=-2", "fail=x", "status=99", "delay_ms=1.5"])
async def test_a_wrong_parameter_is_named(sim: httpx.AsyncClient, sink: str, query: str) -> None:
    response = await sim.post(f"{sink}?{query}")
    assert response.status_code == 400
    assert response.json()["error"].startswith(query.split("=")[0])
