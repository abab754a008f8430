"""Images and videos, from the estimate to the file."""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.contract.aigenway.client import GPT, IMAGE, KLING, VEO, AigenwayCustomer
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

TASK_ID = re.compile(r"tsk_[0-9A-HJKMNP-TV-Z]{26}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


async def test_an_image_goes_from_queued_to_its_file(stack: Stack, customer: AigenwayCustomer) -> None:
    answer = await customer.generate(IMAGE, params={"prompt": "a cat", "aspect_ratio": "1:1"})

    assert answer.status_code == 202
    assert set(answer.json()) == {"task_id", "status"}
    assert answer.json()["status"] == "queued"
    task_id = answer.json()["task_id"]
    assert TASK_ID.fullmatch(task_id)

    task = await customer.finished(task_id)
    assert list(task) == ["id", "status", "mode", "started_at", "finished_at", "result"]
    assert (task["id"], task["status"], task["mode"]) == (task_id, "SUCCEEDED", "ASYNC")
    assert TIME.fullmatch(task["started_at"])
    assert TIME.fullmatch(task["finished_at"])
    result = task["result"]
    assert list(result) == ["type", "url", "mime_type", "available_until", "files"]
    assert (result["type"], result["mime_type"]) == ("image", "image/png")
    start = f"{stack.api_url}/v1/files/results/{customer.account_id}/{task_id}/image_0-"
    assert re.fullmatch(re.escape(start) + r"[0-9a-f]{24}\.png", result["url"])
    assert result["files"] == [{name: result[name] for name in list(result)[:4]}]
    lasts = datetime.fromisoformat(result["available_until"]) - datetime.fromisoformat(task["finished_at"])
    assert lasts == timedelta(days=30)

    async with httpx.AsyncClient() as anybody:
        file = await anybody.get(result["url"])
    assert file.status_code == 200
    assert file.headers["content-type"] == "image/png"
    assert file.headers["content-disposition"] == "inline"
    assert file.content.startswith(b"\x89PNG")
    assert (await customer.http.get(f"/v1/tasks/{task_id}/result")).json() == {
        "task_id": task_id,
        "status": "SUCCEEDED",
        "result": result,
    }
    assert (await stack.stored(task_id)).cost_nano == 120_000_000


@pytest.mark.parametrize(
    ("target", "params", "amount", "bundle"),
    [
        (IMAGE, {"prompt": "a cat"}, "12000000", {"resolution": "1K"}),
        (IMAGE, {"prompt": "a cat", "images_count": 3}, "36000000", {"resolution": "1K"}),
        (IMAGE, {"prompt": "a cat", "resolution": "0.5K"}, "8000000", {"resolution": "0.5K"}),
        (
            KLING,
            {"prompt": "a cat", "mode": "pro", "resolution": "1080p", "duration_seconds": 10},
            "98000000",
            {"mode": "pro", "resolution": "1080p", "duration": 10},
        ),
        (VEO, {"prompt": "a cat", "duration_seconds": 4}, "160000000", {"resolution": "720p"}),
        (
            GPT,
            {"prompt": "a cat", "mode": "low"},
            "2000000",
            {"mode": "low", "resolution": "auto"},
        ),
    ],
)
async def test_an_estimate_is_what_a_generation_holds(
    stack: Stack,
    customer: AigenwayCustomer,
    target: dict[str, str],
    params: dict[str, Any],
    amount: str,
    bundle: dict[str, Any],
) -> None:
    estimate = await customer.http.post("/v1/estimate", json={**target, "params": params})

    assert estimate.status_code == 200
    body = estimate.json()
    assert sum(int(item["amount"]) for item in body.pop("items")) == int(amount)
    assert body == {
        **target,
        "estimated_amount": amount,
        "discount_amount": "0",
        "currency": "USD",
        "bundle": bundle,
        "balance_sufficient": True,
    }
    task_id = await customer.queued(target, params=params)
    assert (await stack.stored(task_id)).quote.hold_nano == int(amount) * 10
    assert (await customer.finished(task_id))["status"] == "SUCCEEDED"
    assert (await stack.stored(task_id)).cost_nano == int(amount) * 10


@pytest.mark.usefixtures("welcome10")
async def test_a_coupon_makes_both_cheaper(stack: Stack, customer: AigenwayCustomer) -> None:
    body = {**IMAGE, "params": {"prompt": "a cat"}, "coupon": "WELCOME10"}

    estimate = (await customer.http.post("/v1/estimate", json=body)).json()
    answer = await customer.http.post("/v1/generations", json=body)

    assert (estimate["estimated_amount"], estimate["discount_amount"]) == ("10800000", "1200000")
    await customer.finished(answer.json()["task_id"])
    assert (await stack.stored(answer.json()["task_id"])).cost_nano == 108_000_000


async def test_the_older_form_of_a_method_means_the_same(customer: AigenwayCustomer) -> None:
    joined = {"method": "/".join(IMAGE.values()), "params": {"prompt": "a cat"}}

    assert (await customer.http.post("/v1/estimate", json=joined)).json()["model"] == IMAGE["model"]


@pytest.mark.parametrize(
    ("method", "images"), [("image_edit", 1), ("image_to_image", 1), ("multi_reference_image", 2)]
)
async def test_images_can_be_worked_on(
    simulator: Simulator, customer: AigenwayCustomer, method: str, images: int
) -> None:
    urls = [f"{simulator.url}/_sim/image/64x64.png?label={number}" for number in range(images)]
    target = {**IMAGE, "method": method}

    task_id = await customer.queued(target, params={"prompt": "a hat on it", "input_images": urls})

    assert (await customer.finished(task_id))["status"] == "SUCCEEDED"


async def test_quality_background_and_mask_reach_the_provider(
    simulator: Simulator, customer: AigenwayCustomer
) -> None:
    prompt, picture = f"a hat {uuid.uuid4().hex}", f"{simulator.url}/_sim/image/64x64.png"
    params = {
        "prompt": prompt,
        "input_images": [picture],
        "mask": picture,
        "mode": "low",
        "background": "transparent",
        "resolution": "1024x1536",
    }

    task_id = await customer.queued({**GPT, "method": "image_edit"}, params=params)

    assert (await customer.finished(task_id))["status"] == "SUCCEEDED"
    (job,) = await simulator.jobs(prompt)
    sent = job["input"]
    assert (sent["quality"], sent["background"], sent["size"]) == ("low", "transparent", "1024x1536")
    assert sent["mask"].startswith("mask.png")


@pytest.mark.parametrize(
    ("target", "params", "price"),
    [
        (
            {**KLING, "method": "image_to_video"},
            {"mode": "pro", "resolution": "1080p", "duration_seconds": 5, "input_images": ["{picture}"]},
            490_000_000,
        ),
        (
            {**VEO, "method": "image_to_video"},
            {"duration_seconds": 6, "input_image_url": "{picture}"},
            2_400_000_000,
        ),
    ],
    ids=["kling", "veo"],
)
async def test_a_picture_becomes_a_video(
    stack: Stack,
    simulator: Simulator,
    customer: AigenwayCustomer,
    target: dict[str, str],
    params: dict[str, Any],
    price: int,
) -> None:
    picture = f"{simulator.url}/_sim/image/64x64.png"
    for name, value in params.items():
        if isinstance(value, list):
            params = {**params, name: [picture]}
        elif value == "{picture}":
            params = {**params, name: picture}

    task_id = await customer.queued(target, params={"prompt": "it waves", **params})
    task = await customer.finished(task_id)

    assert (task["status"], task["result"]["type"]) == ("SUCCEEDED", "video")
    assert re.search(r"/video_0-[0-9a-f]{24}\.mp4$", task["result"]["url"])
    assert (await customer.http.get(task["result"]["url"])).headers["content-type"] == "video/mp4"
    assert (await stack.stored(task_id)).cost_nano == price


async def test_a_repeated_key_gives_the_same_task(customer: AigenwayCustomer) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}

    first = await customer.generate(IMAGE, headers, params={"prompt": "a cat"})
    second = await customer.generate(IMAGE, headers, params={"prompt": "a cat"})
    other = await customer.generate(IMAGE, headers, params={"prompt": "a dog"})

    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert first.status_code == 202
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_key_mismatch")


async def test_a_failed_task_says_why_and_costs_nothing(
    stack: Stack, simulator: Simulator, customer: AigenwayCustomer
) -> None:
    prompt = f"indecent {uuid.uuid4().hex}"
    await simulator.rules(
        {"provider": "*", "when": {"prompt_contains": prompt}, "then": {"fault": "refusal"}}
    )
    task_id = await customer.queued(IMAGE, params={"prompt": prompt})

    task = await customer.finished(task_id)

    assert task["status"] == "FAILED"
    assert task["result"] is None
    assert task["error_code"] == "task_failed"
    assert task["error_message"].startswith("Content moderation: ")
    assert (await customer.http.get(f"/v1/tasks/{task_id}/result")).json() == {
        "task_id": task_id,
        "status": "FAILED",
        "result": None,
        "error_code": "task_failed",
        "error_message": task["error_message"],
    }
    assert (await stack.stored(task_id)).cost_nano == 0


async def test_a_task_can_be_cancelled(simulator: Simulator, customer: AigenwayCustomer) -> None:
    prompt = f"held up {uuid.uuid4().hex}"
    await simulator.rules(
        {"provider": "*", "when": {"prompt_contains": prompt}, "times": None, "latency_ms": 600_000}
    )
    task_id = await customer.queued(IMAGE, params={"prompt": prompt})

    answer = await customer.http.post(f"/v1/tasks/{task_id}/cancel")

    assert answer.status_code == 202
    assert answer.json()["id"] == task_id
    assert answer.json()["finished_at"] is None
    task = await customer.finished(task_id)
    assert (task["status"], task["error_code"]) == ("CANCELLED", "task_failed")
    assert task["error_message"] == "Task was cancelled"
