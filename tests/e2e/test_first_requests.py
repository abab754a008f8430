"""The first requests of the vendor's documentation, as curl command lines, from submit to settled webhook."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import io
import json
from typing import Any

import httpx
import pytest
from PIL import Image
from standardwebhooks import Webhook

from tests.harness.client import Customer
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

CASES = [
    pytest.param(
        {
            "model": "nanobanana",
            "prompt": "A studio photo of a speckled egg on green marble",
            "aspect_ratio": "16:9",
            "num_outputs": 1,
        },
        "image_generate",
        1,
        "$0.0100",
        id="first request",
    ),
    pytest.param(
        {
            "model": "nanobanana-pro",
            "prompt": "A friendly hen with a teapot, flat colours",
            "aspect_ratio": "16:9",
        },
        "image_generate",
        1,
        "$0.0160",
        id="quick start",
    ),
    pytest.param(
        {
            "model": "nanobanana-pro",
            "prompt": "A henhouse city at dusk, paper cut style",
            "negative_prompt": "grainy",
            "aspect_ratio": "16:9",
            "resolution": "2k",
            "num_outputs": 2,
        },
        "image_generate",
        2,
        "$0.0320",
        id="two images at 2k",
    ),
    pytest.param(
        {"model": "nanobanana-pro", "prompt": "A map of all nests", "resolution": "4k"},
        "image_generate",
        1,
        "$0.0320",
        id="4k costs double",
    ),
    pytest.param(
        {
            "model": "nanobanana-pro",
            "prompt": "Make it a watercolour",
            "image_urls": ["{simulator}/_sim/image/64x64.png"],
        },
        "image_edit",
        1,
        "$0.0160",
        id="edit",
    ),
]


async def curl(*arguments: str) -> tuple[int, dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        "curl", "-sS", "-w", "\n%{http_code}", *arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    body, _, status = output.decode().rpartition("\n")
    return int(status), json.loads(body)


@pytest.mark.parametrize(("body", "kind", "images", "cost"), CASES)
async def test_a_documented_request_ends_in_pictures_a_charge_and_a_signed_webhook(
    stack: Stack, simulator: Simulator, body: dict[str, Any], kind: str, images: int, cost: str
) -> None:
    async with await stack.customer() as customer:
        sink = f"first-{customer.account_id}"
        text = json.dumps({**body, "webhook_url": simulator.sink(sink)})
        key = f"Authorization: Bearer {customer.key}"

        status, answer = await curl(
            "-X", "POST", f"{stack.api_url}/v1/generate",
            "-H", key, "-H", "Content-Type: application/json",
            "-d", text.replace("{simulator}", simulator.url),
        )  # fmt: skip

        task = answer["data"]
        assert status == 202
        assert answer["error"] is None
        assert set(task) == {"id", "status", "model", "type", "cost", "created_at"}
        assert (task["status"], task["model"], task["type"], task["cost"]) == (
            "pending", body["model"], kind, "$0.00",
        )  # fmt: skip

        done = await customer.finished(task["id"])
        assert set(done) == {*task, "output", "started_at", "completed_at"}
        assert (done["status"], done["cost"]) == ("completed", cost)
        await _pictures_are_real(done["output"], images)

        _, polled = await curl(f"{stack.api_url}/v1/tasks/{task['id']}", "-H", key)
        assert polled == {"data": done, "error": None}
        _, summary = await curl(f"{stack.api_url}/v1/usage/summary", "-H", key)
        assert summary["data"] == [
            {"model": body["model"], "total_units": images, "total_cost": cost, "request_count": 1}
        ]
        await _webhook_is_signed(simulator, sink, customer, done)


async def _pictures_are_real(output: dict[str, Any], images: int) -> None:
    assert output["url"] == output["urls"][0]
    assert len(output["urls"]) == images
    async with httpx.AsyncClient() as client:
        for url in output["urls"]:
            answer = await client.get(url)
            assert answer.headers["content-type"] == "image/png"
            picture = Image.open(io.BytesIO(answer.content))
            picture.load()
            assert picture.width > picture.height


async def _webhook_is_signed(
    simulator: Simulator, sink: str, customer: Customer, done: dict[str, Any]
) -> None:
    (post,) = await simulator.posts(sink)
    raw = base64.b64decode(post["body_base64"])
    headers = {name.lower(): value for name, value in post["headers"].items()}
    signed = f"{headers['x-eggapi-timestamp']}.".encode() + raw
    expected = hmac.new(customer.webhook_secret.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["x-eggapi-signature"] == f"sha256={expected}"
    payload = Webhook(customer.webhook_secret).verify(raw, headers)
    assert payload == json.loads(raw)
    assert payload["event"] == "task.completed"
    assert payload["task_id"] == done["id"]
    assert payload["output"] == done["output"]
    assert payload["error"] is None
    assert payload["cost"] == f"{float(done['cost'][1:]):.6f}"
