"""Every named point at which a process can die, one after the other."""

from __future__ import annotations

import asyncio
import uuid

import httpx
import pytest
from yarl import URL

from shared.killpoints import POINTS
from tests.harness.invariants import assert_invariants, drained
from tests.harness.load import Orders
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

TASKS = 8
ROLE_OF = {"sweeper": "router", "auditor": "billing"}
ELSEWHERE = ("api.text_", "api.coupon_", "payments.", "notifier.after_fan_out")
"""Points on the way of requests that this load has none of."""


@pytest.mark.parametrize("point", [point for point in POINTS if not point.startswith(ELSEWHERE)])
async def test_a_death_at_this_point_loses_nothing(
    lasting_stack: Stack, simulator: Simulator, point: str
) -> None:
    stack, tag = lasting_stack, f"kill{uuid.uuid4().hex}"
    role = point.partition(".")[0]
    role = ROLE_OF.get(role, role)
    await stack.stop(role)
    await simulator.rules(
        {"provider": "*", "when": {"prompt_contains": tag}, "times": None, "then": {}, "latency_ms": 300}
    )
    async with await stack.customer() as customer:
        orders = Orders([customer], tag, simulator.sink(tag))
        armed_env = {"HATCHERY_KILL_POINT": point}
        if role == "api":
            (armed,) = await stack.start(role, env=armed_env)
            placing = asyncio.create_task(orders.place(TASKS, lanes=2), name="orders")
        else:
            placing = asyncio.create_task(orders.place(TASKS, lanes=2), name="orders")
            if point == "sweeper.in_batch":
                await placing
                await _lose_messages(stack, "router.tasks")
            (armed,) = await stack.start(role, env=armed_env)
        async with asyncio.timeout(60):
            assert await armed.wait() == -9, armed.tail()
        await stack.start(role)
        await placing
        await drained(stack)
        await assert_invariants(stack, orders.acknowledged, simulator, tag, [customer.key])


async def _lose_messages(stack: Stack, queue: str) -> None:
    management = URL(stack.servers.amqp_management_url)
    async with httpx.AsyncClient(auth=(management.user or "", management.password or "")) as client:
        base = str(management.with_user(None)).rstrip("/")
        answer = await client.delete(f"{base}/api/queues/{stack.name}/{queue}/contents")
        answer.raise_for_status()
