"""Waiting in every dialect: the end of a task in its words, without a second request."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

DIALECTS = [
    pytest.param(
        "/v1/generate",
        {"model": "nanobanana"},
        "/v1/tasks",
        ["pending", "processing", "completed"],
        id="eggapi",
    ),
    pytest.param(
        "/api/v1/images/generations",
        {"model": "google/nano-banana"},
        "/api/v1/tasks",
        ["pending", "processing", "completed"],
        id="openai",
    ),
    pytest.param(
        "/v1/generations",
        {
            "provider": "google_banana",
            "model": "gemini-3.1-flash-image-preview",
            "method": "text_to_image",
            "params": {"resolution": "1K", "aspect_ratio": "1:1"},
        },
        "/v1/tasks",
        ["PENDING", "PROCESSING", "SUCCEEDED"],
        id="aigenway",
    ),
]


def data_of(answer: httpx.Response) -> dict[str, Any]:
    """The task, out of EggAPI's envelope where there is one."""
    body = answer.json()
    return dict(body["data"] if isinstance(body.get("data"), dict) else body)


@pytest.mark.parametrize(("path", "body", "tasks", "words"), DIALECTS)
async def test_one_request_sees_the_end_and_a_stream_the_way_there(
    stack: Stack, simulator: Simulator, path: str, body: dict[str, Any], tasks: str, words: list[str]
) -> None:
    prompt = f"a slow hen on {path}"
    slow = {
        "provider": "*",
        "when": {"prompt_contains": prompt},
        "times": None,
        "then": {},
        "latency_ms": 300,
    }
    await simulator.rules(slow)
    asked = {**body, "prompt": prompt}
    if "params" in body:
        asked = {**body, "params": {**body["params"], "prompt": prompt}}
    async with await stack.customer() as customer:
        made = data_of(await customer.http.post(path, json=asked))
        task_id = made.get("task_id") or made["id"]

        answer = await customer.http.get(f"{tasks}/{task_id}", params={"wait": "60"}, timeout=70)
        assert answer.status_code == 200, answer.text
        assert data_of(answer)["status"] == words[-1]

        stream = (await customer.http.get(f"/v1/tasks/{task_id}/events")).text
        seen = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: ")]
        assert [event["status"] for event in seen] == words
        assert {event["id"] for event in seen} == {task_id}

        refused = await customer.http.get(f"{tasks}/{task_id}", params={"wait": "61"})
        assert refused.status_code == 400
