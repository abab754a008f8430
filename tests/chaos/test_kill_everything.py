"""Three hundred tasks in flight, more coming in, and everything is killed once."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from shared.tasks.lifecycle import FINAL
from tests.harness.echo import Echo
from tests.harness.invariants import assert_invariants, drained
from tests.harness.load import Orders
from tests.harness.simulator import Simulator
from tests.harness.stack import ROLES, Stack

IN_FLIGHT = 300
AT_EACH_DEATH = 20
Death = Callable[[Stack], Awaitable[None]]


@pytest.mark.parametrize("echoed", [False, True], ids=["each message once", "each message twice"])
async def test_nothing_is_lost_or_charged_twice_when_every_process_is_killed(
    fragile_stack: Stack, simulator: Simulator, echoed: bool
) -> None:
    stack, tag = fragile_stack, f"chaos{uuid.uuid4().hex}"
    slow, quick = f"{tag} slow", f"{tag} quick"
    await simulator.rules(
        {
            "provider": "fal",
            "when": {"prompt_contains": f"{quick} 1"},
            "times": 40,
            "then": {"fault": "job_fails"},
        },
        {"provider": "*", "when": {"prompt_contains": slow}, "times": None, "then": {}, "latency_ms": 25_000},
        {"provider": "*", "when": {"prompt_contains": quick}, "times": None, "then": {}, "latency_ms": 300},
    )
    async with AsyncExitStack() as exit_stack:
        customers = [await exit_stack.enter_async_context(await stack.customer("50")) for _ in range(5)]
        echo = await exit_stack.enter_async_context(Echo(stack.amqp_url)) if echoed else None
        sink = simulator.sink(tag, fail=10)
        waiting, passing = Orders(customers, slow, sink), Orders(customers, quick, sink)
        await waiting.place(IN_FLIGHT)
        for death in (*(killing(role) for role in ROLES), lose_the_broker, kill_the_database):
            placing = asyncio.create_task(passing.place(AT_EACH_DEATH), name="orders")
            await asyncio.sleep(0.2)
            in_flight = await stack.database["tasks"].count_documents({"state": {"$nin": sorted(FINAL)}})
            assert in_flight >= IN_FLIGHT
            await death(stack)
            await placing
        await drained(stack)

        acknowledged = waiting.acknowledged + passing.acknowledged
        assert len(acknowledged) == IN_FLIGHT + 7 * AT_EACH_DEATH
        assert echo is None or echo.echoed
        secrets = [secret for one in customers for secret in (one.key, one.webhook_secret)]
        await assert_invariants(stack, acknowledged, simulator, tag, secrets)
        await _deliveries_are_alike(stack, simulator, tag, len(acknowledged))


def killing(role: str) -> Death:
    async def kill(stack: Stack) -> None:
        await stack.kill(role)
        await asyncio.sleep(0.3)
        await stack.start(role)

    return kill


async def lose_the_broker(stack: Stack) -> None:
    await stack.servers.kill_rabbitmq()
    stack.servers.wipe_rabbitmq()
    await stack.servers.start_rabbitmq()
    await stack.make_vhost()


async def kill_the_database(stack: Stack) -> None:
    await stack.servers.kill_mongod()
    await asyncio.sleep(1)
    await stack.servers.start_mongod()


async def _deliveries_are_alike(stack: Stack, simulator: Simulator, tag: str, count: int) -> None:
    """Every final task reached the receiver, each delivery under one id with the same bytes."""
    bodies: dict[str, set[str]] = {}
    for post in await simulator.posts(tag, count=count):
        headers = {name.lower(): value for name, value in post["headers"].items()}
        bodies.setdefault(headers["webhook-id"], set()).add(post["body_base64"])
    delivered = {delivery["_id"] async for delivery in stack.database["deliveries"].find()}
    assert set(bodies) == delivered
    assert all(len(variants) == 1 for variants in bodies.values())
