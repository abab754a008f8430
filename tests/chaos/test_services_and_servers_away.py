"""What customers notice when a worker stops, or when the broker or the database is away."""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.harness.client import Customer
from tests.harness.invariants import assert_invariants, drained
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

POLLS = 50


async def test_a_stopping_worker_hands_its_polls_to_another(
    fragile_stack: Stack, simulator: Simulator
) -> None:
    stack, tag = fragile_stack, f"handover{uuid.uuid4().hex}"
    await simulator.rules(
        {"provider": "*", "when": {"prompt_contains": tag}, "times": None, "then": {}, "latency_ms": 6000}
    )
    (first,) = stack.of("worker")
    async with await stack.customer() as customer:
        tasks = [await customer.submit(prompt=f"{tag} {number}") for number in range(POLLS)]
        await _until_running(stack, POLLS)
        await stack.start("worker")

        assert await first.stop() == 0

        done = await customer.all_finished(tasks)
        assert {task["status"] for task in done} == {"completed"}
        jobs = Counter(job["prompt"] for job in await simulator.jobs(tag))
        assert len(jobs) == POLLS
        assert set(jobs.values()) == {1}
        stored = [task async for task in stack.database["tasks"].find()]
        assert {len(task["attempts"]) for task in stored} == {1}
        await assert_invariants(stack, tasks, simulator, tag)


async def test_with_the_broker_away_tasks_are_accepted_and_completed(
    fragile_stack: Stack, simulator: Simulator
) -> None:
    stack, tag = fragile_stack, f"silent{uuid.uuid4().hex}"
    async with await stack.customer() as customer:
        await stack.servers.stop_rabbitmq()
        try:
            sink = simulator.sink(tag)
            tasks = [
                await customer.submit(prompt=f"{tag} {number}", webhook_url=sink) for number in range(20)
            ]
            done = await customer.all_finished(tasks)
            posts = await simulator.posts(tag, count=20)
        finally:
            await stack.servers.start_rabbitmq()

        assert {task["status"] for task in done} == {"completed"}
        assert len(posts) == 20
        await drained(stack)
        await assert_invariants(stack, tasks, simulator, tag)
        after = await customer.finished(await customer.submit(prompt=f"{tag} after"))
        assert after["status"] == "completed"


async def test_a_frozen_broker_holds_nobody_up(fragile_stack: Stack, simulator: Simulator) -> None:
    stack, tag = fragile_stack, f"frozen{uuid.uuid4().hex}"
    async with await stack.customer() as customer:
        with frozen(stack.servers.pids["rabbitmq"]):
            tasks = [await customer.submit(prompt=f"{tag} {number}") for number in range(20)]
            done = await customer.all_finished(tasks)

        assert {task["status"] for task in done} == {"completed"}
        await drained(stack)
        await assert_invariants(stack, tasks, simulator, tag)


async def test_with_the_database_away_requests_get_503_and_leave_nothing_half_made(
    fragile_stack: Stack, simulator: Simulator
) -> None:
    stack, tag = fragile_stack, f"nowhere{uuid.uuid4().hex}"
    async with await stack.customer("1") as customer:
        before = await customer.submit(prompt=f"{tag} before")
        await customer.finished(before)
        await stack.servers.kill_mongod()
        try:
            answers = await asyncio.gather(
                *(customer.post(prompt=f"{tag} {number}") for number in range(10)),
                customer.http.get(f"/v1/tasks/{before}"),
                customer.http.get("/v1/usage/summary"),
            )
        finally:
            await stack.servers.start_mongod()

        assert {answer.status_code for answer in answers} == {503}
        assert {answer.json()["error"]["code"] for answer in answers} == {"SERVICE_UNAVAILABLE"}
        assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
        after = await customer.finished(await _accepted(customer, f"{tag} after"))
        assert after["status"] == "completed"
        await drained(stack)
        assert await stack.database["tasks"].count_documents({"dialect": "eggapi"}) == 2
        await assert_invariants(stack, [before, after["id"]], simulator, tag)
        assert all(program.alive for role in ("api", "router", "worker") for program in stack.of(role))


@contextmanager
def frozen(pids: Sequence[int]) -> Iterator[None]:
    """These processes stand still: their sockets stay open and nothing answers."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def _accepted(customer: Customer, prompt: str) -> str:
    """Submit as soon as the service is back."""
    async with asyncio.timeout(60):
        while True:
            answer = await customer.post(prompt=prompt)
            if answer.status_code == 202:
                return str(answer.json()["data"]["id"])
            await asyncio.sleep(0.2)


async def _until_running(stack: Stack, count: int) -> None:
    async with asyncio.timeout(30):
        while True:
            if await stack.database["tasks"].count_documents({"state": "running"}) >= count:
                return
            await asyncio.sleep(0.05)
