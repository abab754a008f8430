"""What is charged when providers fail, in whole or in part."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

import pytest

from tests.harness.client import Customer
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack


def rule(provider: str, prompt: str, fault: str, **then: Any) -> dict[str, Any]:
    return {
        "provider": provider,
        "when": {"prompt_contains": prompt},
        "times": None,
        "then": {"fault": fault, **then},
    }


async def spent_and_free(stack: Stack, customer: Customer) -> tuple[int, int, int]:
    balance = (await stack.ledger().balances([customer.account_id]))[customer.account_id]
    return balance.spent, balance.held, balance.available


@pytest.mark.parametrize(
    "fault",
    [
        "http_500",
        "job_fails",
        "reset",
        "bad_json",
        "empty_output",
        "output_404",
        "output_html",
        "no_media_generated",
    ],
)
async def test_when_the_first_route_fails_the_second_delivers_for_one_charge(
    stack: Stack, simulator: Simulator, fault: str
) -> None:
    prompt = f"fallback {uuid.uuid4().hex}"
    await simulator.rules(rule("fal", prompt, fault))
    async with await stack.customer("1") as customer:
        task = await customer.finished(await customer.submit(prompt=prompt))

        assert (task["status"], task["cost"]) == ("completed", "$0.0100")
        assert await spent_and_free(stack, customer) == (10_000_000, 0, 990_000_000)
        stored = await stack.database["tasks"].find_one({"_id": task["id"]})
        assert stored is not None
        routes = [attempt["provider"] for attempt in stored["attempts"]]
        assert routes[-1] == "replicate"
        assert set(routes[:-1]) == {"fal"}


async def test_when_every_route_fails_the_money_is_back_and_the_webhook_says_so(
    stack: Stack, simulator: Simulator
) -> None:
    prompt = f"nobody can {uuid.uuid4().hex}"
    await simulator.rules(rule("*", prompt, "job_fails"))
    async with await stack.customer("1") as customer:
        sink = f"failed-{customer.account_id}"
        task = await customer.finished(await customer.submit(prompt=prompt, webhook_url=simulator.sink(sink)))

        assert (task["status"], task["cost"]) == ("failed", "$0.00")
        assert task["error"] == "Generation failed on every available provider"
        assert "output" not in task
        assert await spent_and_free(stack, customer) == (0, 0, 1_000_000_000)
        (post,) = await simulator.posts(sink)
        payload = json.loads(base64.b64decode(post["body_base64"]))
        assert payload["event"] == "task.failed"
        assert payload["status"] == "failed"
        assert payload["cost"] == "0.000000"
        assert payload["output"] is None
        assert payload["error"] == task["error"]


async def test_a_refusal_is_final_and_free(stack: Stack, simulator: Simulator) -> None:
    prompt = f"improper {uuid.uuid4().hex}"
    await simulator.rules(rule("fal", prompt, "refusal"))
    async with await stack.customer("1") as customer:
        task = await customer.finished(await customer.submit(prompt=prompt))

        assert task["status"] == "failed"
        assert task["error"].startswith("Content moderation: ")
        assert [job["provider"] for job in await simulator.jobs(prompt)] == ["fal"]
        assert await spent_and_free(stack, customer) == (0, 0, 1_000_000_000)


async def test_one_image_of_two_is_charged_as_one(stack: Stack, simulator: Simulator) -> None:
    prompt = f"only one {uuid.uuid4().hex}"
    await simulator.rules(rule("fal", prompt, "fewer_outputs"))
    async with await stack.customer("1") as customer:
        task = await customer.finished(await customer.submit(prompt=prompt, num_outputs=2))

        assert (task["status"], task["cost"]) == ("completed", "$0.0100")
        assert len(task["output"]["urls"]) == 1
        assert await spent_and_free(stack, customer) == (10_000_000, 0, 990_000_000)


async def test_several_images_from_a_provider_that_makes_one_per_call(
    stack: Stack, simulator: Simulator
) -> None:
    prompt = f"three hens {uuid.uuid4().hex}"
    await simulator.rules(rule("fal", prompt, "job_fails"))
    async with await stack.customer("1") as customer:
        task = await customer.finished(await customer.submit(prompt=prompt, num_outputs=3))

        assert (task["status"], task["cost"]) == ("completed", "$0.0300")
        assert len(set(task["output"]["urls"])) == 3


async def test_a_rate_limited_task_waits_for_its_route_when_there_is_no_other(
    stack: Stack, simulator: Simulator
) -> None:
    prompt = f"busy {uuid.uuid4().hex}"
    await simulator.rules(
        {**rule("fal", prompt, "http_429", retry_after=1), "times": 1},
        rule("replicate", prompt, "job_fails"),
    )
    async with await stack.customer("1") as customer:
        task = await customer.finished(await customer.submit(prompt=prompt))

        assert task["status"] == "completed"
        assert await spent_and_free(stack, customer) == (10_000_000, 0, 990_000_000)
