"""Cancelling over HTTP, through all five services (Hatchery's own addition to EggAPI)."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

import httpx

from tests.harness.client import Customer
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack


async def a_held_up_task(customer: Customer, simulator: Simulator, **fields: Any) -> str:
    """One that stays with its provider for as long as anybody waits."""
    prompt = f"held up {uuid.uuid4().hex}"
    await simulator.rules(
        {"provider": "*", "when": {"prompt_contains": prompt}, "times": None, "latency_ms": 600_000}
    )
    return await customer.submit(prompt=prompt, **fields)


async def cancelled(customer: Customer, task_id: str) -> httpx.Response:
    return await customer.http.post(f"/v1/tasks/{task_id}/cancel")


async def test_a_cancelled_task_fails_costs_nothing_and_tells_its_webhook(
    stack: Stack, simulator: Simulator
) -> None:
    name = uuid.uuid4().hex
    async with await stack.customer("1") as customer:
        task_id = await a_held_up_task(customer, simulator, webhook_url=simulator.sink(name))

        answer = await cancelled(customer, task_id)
        assert answer.status_code == 202
        assert answer.json()["error"] is None
        assert answer.json()["data"]["id"] == task_id
        assert answer.json()["data"]["status"] in {"pending", "processing"}

        task = await customer.finished(task_id)
        assert (task["status"], task["error"], task["cost"]) == ("failed", "Task was cancelled", "$0.00")
        (post,) = await simulator.posts(name)
        told = json.loads(base64.b64decode(post["body_base64"]))
        assert told == {
            "event": "task.failed",
            "task_id": task_id,
            "status": "failed",
            "model": "nanobanana",
            "output": None,
            "error": "Task was cancelled",
            "cost": "0.000000",
            "timestamp": told["timestamp"],
        }
        balance = (await stack.ledger().balances([customer.account_id]))[customer.account_id]
        assert (balance.available, balance.held, balance.spent) == (1_000_000_000, 0, 0)

        again = await cancelled(customer, task_id)
        assert (again.status_code, again.json()["data"]) == (200, task)


async def test_a_completed_task_cannot_be_cancelled(stack: Stack) -> None:
    async with await stack.customer("1") as customer:
        task = await customer.finished(await customer.submit())

        answer = await cancelled(customer, task["id"])

        assert answer.status_code == 409
        assert answer.json() == {
            "data": None,
            "error": {"code": "CONFLICT", "message": "The task is already completed"},
        }
        assert await customer.task(task["id"]) == task


async def test_nobody_cancels_anothers_task(stack: Stack, simulator: Simulator) -> None:
    async with await stack.customer("1") as owner, await stack.customer("1") as stranger:
        task_id = await a_held_up_task(owner, simulator)

        foreign = await cancelled(stranger, task_id)
        unknown = await cancelled(stranger, "gen_01k6x0v7w3h2m9q4x1b8c5d7ef")
        async with httpx.AsyncClient(base_url=stack.api_url) as nobody:
            without_key = await nobody.post(f"/v1/tasks/{task_id}/cancel")

        assert (foreign.status_code, unknown.status_code, without_key.status_code) == (404, 404, 401)
        assert foreign.text == unknown.text
        assert (await owner.task(task_id))["status"] in {"pending", "processing"}
        assert (await cancelled(owner, task_id)).status_code == 202
        await owner.finished(task_id)
