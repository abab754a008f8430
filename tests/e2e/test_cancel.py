"""A customer changes their mind, at every point of a task's way."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from deploy.local.servers import Servers
from shared.tasks.lifecycle import Role
from shared.tasks.store import TaskStore
from tests.harness.catalogs import image_model, route, stack_selling
from tests.harness.client import Customer
from tests.harness.eventually import eventually
from tests.harness.rules import rule
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

MODELS = {
    "resting": image_model(route("fal", "resting")),
    "queued": image_model(route("fal", "queued"), route("replicate", "queued")),
    "pair": image_model(route("fal", "pair"), route("replicate", "pair")),
    "at-once": image_model(route("gemini")),
}
SOON = {"HATCHERY_WORKER_LEASE_SECONDS": "3"}
"""A worker looks after its tasks three times in this time."""


@pytest_asyncio.fixture(scope="module")
async def cancelling(
    servers: Servers, simulator_process: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    folder = tmp_path_factory.mktemp("cancelling")
    async with stack_selling(MODELS, servers, simulator_process.url, folder, settings=SOON) as running:
        yield running


@pytest_asyncio.fixture
async def customer(cancelling: Stack, simulator: Simulator) -> AsyncIterator[Customer]:
    async with await cancelling.customer("1") as customer:
        yield customer


@pytest.fixture
def prompt() -> str:
    return f"a hen {uuid.uuid4().hex}"


async def _cancel(customer: Customer, task_id: str) -> tuple[int, dict[str, Any]]:
    answer = await customer.http.post(f"/v1/tasks/{task_id}/cancel")
    return answer.status_code, answer.json()


async def _assert_cancelled(stack: Stack, customer: Customer, task_id: str) -> None:
    """It ended so, cost nothing, and keeps no money."""
    shown = await customer.finished(task_id)
    assert (shown["status"], shown["cost"], shown["error"]) == ("failed", "$0.00", "Task was cancelled")
    task = await stack.stored(task_id)
    assert task.state == "cancelled"
    assert task.failure is not None
    assert task.failure.error_class == "cancelled"
    balance = await stack.balance(customer)
    assert (balance.spent, balance.held) == (0, 0)


async def _assert_told(simulator: Simulator, sink: str, task_id: str) -> None:
    """Its one webhook says that it failed."""
    (post,) = await simulator.posts(sink)
    payload = json.loads(base64.b64decode(post["body_base64"]))
    told = (payload["event"], payload["task_id"], payload["error"], payload["cost"])
    assert told == ("task.failed", task_id, "Task was cancelled", "0.000000")


async def _first_job(simulator: Simulator, prompt: str) -> dict[str, Any]:
    """The first job that a provider takes for the prompt."""
    return (await eventually(lambda: simulator.jobs(prompt)))[0]


async def test_a_task_that_waits_for_a_route_is_released_at_once(
    cancelling: Stack, simulator: Simulator, customer: Customer, prompt: str
) -> None:
    await simulator.rules(rule("fal", prompt, "http_429", retry_after=600))
    sink = uuid.uuid4().hex
    task_id = await customer.submit(model="resting", prompt=prompt, webhook_url=simulator.sink(sink))

    async def waits() -> bool:
        return (await cancelling.stored(task_id)).waiting is not None

    assert await eventually(waits)

    status, body = await _cancel(customer, task_id)

    assert (status, body["data"]["id"]) == (202, task_id)
    await _assert_cancelled(cancelling, customer, task_id)
    await _assert_told(simulator, sink, task_id)
    assert await simulator.jobs(prompt) == []
    assert len((await cancelling.stored(task_id)).attempts) == 1


async def test_a_running_job_is_cancelled_at_its_provider(
    cancelling: Stack, simulator: Simulator, customer: Customer, prompt: str
) -> None:
    await simulator.rules(rule("*", prompt, "never_finishes"))
    sink = uuid.uuid4().hex
    task_id = await customer.submit(model="pair", prompt=prompt, webhook_url=simulator.sink(sink))

    async def runs() -> bool:
        return (await cancelling.stored(task_id)).state == "running"

    assert await eventually(runs)

    status, _ = await _cancel(customer, task_id)

    assert status == 202
    await _assert_cancelled(cancelling, customer, task_id)
    await _assert_told(simulator, sink, task_id)
    (job,) = await simulator.jobs(prompt)
    assert (job["provider"], job["state"], job["cancel_requested"]) == ("fal", "cancelled", True)
    (attempt,) = (await cancelling.stored(task_id)).attempts
    assert attempt.error_class == "cancelled"


async def test_a_job_that_goes_on_after_its_cancellation_is_neither_delivered_nor_charged(
    cancelling: Stack, simulator: Simulator, customer: Customer, prompt: str
) -> None:
    await simulator.rules(rule("fal", prompt, "late", latency_ms=2_000))
    task_id = await customer.submit(model="pair", prompt=prompt)
    await _first_job(simulator, prompt)

    await _cancel(customer, task_id)
    await _assert_cancelled(cancelling, customer, task_id)

    async def became() -> str | None:
        return (await cancelling.stored(task_id)).attempts[0].late

    assert await eventually(became) == "finished"
    await _assert_cancelled(cancelling, customer, task_id)
    assert not (await cancelling.stored(task_id)).outputs


async def test_a_long_call_is_broken_off(
    cancelling: Stack, simulator: Simulator, customer: Customer, prompt: str
) -> None:
    await simulator.rules(rule("gemini", prompt, latency_ms=60_000))
    task_id = await customer.submit(model="at-once", prompt=prompt)
    await _first_job(simulator, prompt)

    status, _ = await _cancel(customer, task_id)

    assert status == 202
    await _assert_cancelled(cancelling, customer, task_id)
    (attempt,) = (await cancelling.stored(task_id)).attempts
    assert (attempt.error_class, attempt.orphan_suspect) == ("cancelled", True)

    async def ended() -> bool:
        (job,) = await simulator.jobs(prompt)
        return bool(job["state"] == "cancelled")

    assert await eventually(ended)


async def test_a_cancellation_during_an_unclear_hand_over_starts_no_second_job(
    cancelling: Stack, simulator: Simulator, customer: Customer, prompt: str
) -> None:
    await simulator.rules(rule("*", prompt, "reset"))
    task_id = await customer.submit(model="queued", prompt=prompt)

    async def unclear() -> bool:
        return (await cancelling.stored(task_id)).state == "attempt_failed"

    assert await eventually(unclear)

    status, _ = await _cancel(customer, task_id)

    assert status == 202
    await _assert_cancelled(cancelling, customer, task_id)
    assert [job["provider"] for job in await simulator.jobs(prompt)] == ["fal"]


async def test_a_cancellation_that_no_worker_was_told_of_is_found(
    cancelling: Stack, simulator: Simulator, customer: Customer, prompt: str
) -> None:
    await simulator.rules(rule("*", prompt, "never_finishes"))
    task_id = await customer.submit(model="pair", prompt=prompt)
    await _first_job(simulator, prompt)

    store = TaskStore(cancelling.database, cancelling.clock, Role.API)
    assert await store.request_cancel(task_id, customer.account_id) is not None

    await _assert_cancelled(cancelling, customer, task_id)
    (job,) = await simulator.jobs(prompt)
    assert job["state"] == "cancelled"


async def test_a_completed_task_cannot_be_cancelled(
    cancelling: Stack, customer: Customer, prompt: str
) -> None:
    task_id = await customer.submit(model="pair", prompt=prompt)
    assert (await customer.finished(task_id))["status"] == "completed"

    status, body = await _cancel(customer, task_id)

    assert (status, body["data"]) == (409, None)
    assert body["error"]["message"] == "The task is already completed"
    assert (await customer.task(task_id))["status"] == "completed"
    balance = await cancelling.balance(customer)
    assert (balance.spent, balance.held) == (10_000_000, 0)


async def test_a_failed_task_cannot_be_cancelled(
    simulator: Simulator, customer: Customer, prompt: str
) -> None:
    await simulator.rules(rule("*", prompt, "refusal"))
    task_id = await customer.submit(model="pair", prompt=prompt)
    await customer.finished(task_id)

    status, body = await _cancel(customer, task_id)

    assert (status, body["error"]["message"]) == (409, "The task has already failed")


async def test_a_cancellation_may_be_repeated(
    cancelling: Stack, simulator: Simulator, customer: Customer, prompt: str
) -> None:
    await simulator.rules(rule("*", prompt, "never_finishes"))
    sink = uuid.uuid4().hex
    task_id = await customer.submit(model="pair", prompt=prompt, webhook_url=simulator.sink(sink))
    await _first_job(simulator, prompt)

    early = [(await _cancel(customer, task_id))[0] for _ in range(3)]
    await customer.finished(task_id)
    late, body = await _cancel(customer, task_id)

    assert early[0] == 202
    assert set(early) <= {200, 202}
    assert (late, body["data"]["status"]) == (200, "failed")
    await _assert_cancelled(cancelling, customer, task_id)
    await _assert_told(simulator, sink, task_id)


async def test_nobody_cancels_a_task_of_somebody_else(
    cancelling: Stack, simulator: Simulator, customer: Customer, prompt: str
) -> None:
    await simulator.rules(rule("*", prompt, "never_finishes"))
    task_id = await customer.submit(model="pair", prompt=prompt)
    await _first_job(simulator, prompt)
    async with await cancelling.customer("1") as stranger:
        foreign, body = await _cancel(stranger, task_id)
        unknown, _ = await _cancel(stranger, "gen_01jz0000000000000000000000")

    assert (foreign, unknown) == (404, 404)
    assert body["error"]["message"] == "Task not found"
    assert (await cancelling.stored(task_id)).cancel_requested_at is None
    await _cancel(customer, task_id)
    await _assert_cancelled(cancelling, customer, task_id)
