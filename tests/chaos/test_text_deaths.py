"""The api dies in the middle of text calls: nobody pays for what nobody got, and no money stays held."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

import httpx
import yaml

from deploy.local.servers import Servers
from shared.killpoints import POINTS
from tests.harness.client import Customer
from tests.harness.invariants import drained
from tests.harness.simulator import Simulator
from tests.harness.stack import CATALOG, Stack

TEXT_POINTS = [point for point in POINTS if point.startswith("api.text_")]
CHATS_AT_ONCE = 5
CREDITS_NANO = 30_000_000
"""What one chat costs: three credits of a cent."""


def catalog_in(folder: Path) -> Path:
    """The usual one, but a chat is given up after four seconds."""
    catalog = yaml.safe_load(CATALOG.read_text())
    catalog["models"]["gpt-5"]["deadline_seconds"] = 4
    path = folder / "catalog.yaml"
    path.write_text(yaml.safe_dump(catalog))
    return path


async def chat(customer: Customer, prompt: str) -> httpx.Response | None:
    """The whole streamed answer; None if the api died in the middle of it."""
    body: dict[str, Any] = {
        "model": "openai/gpt-5",
        "stream": True,
        "messages": [{"role": "user", "content": prompt}],
    }
    try:
        async with customer.connection() as http:
            return await http.post("/api/v1/chat/completions", json=body)
    except httpx.TransportError:
        return None


async def test_a_death_in_the_middle_of_chats_charges_nobody_and_holds_nothing(
    servers: Servers, simulator: Simulator, tmp_path: Path
) -> None:
    tag = f"deaths{uuid.uuid4().hex}"
    # Slow enough that every chat is in the middle when the first one reaches the point.
    await simulator.rules({"provider": "*", "when": {"prompt_contains": tag}, "chunk_delay_ms": 20})
    stack = Stack(servers, simulator.url, tmp_path, {"HATCHERY_CATALOG": str(catalog_in(tmp_path))})
    await stack.open()
    await stack.start("router", "billing")
    try:
        async with await stack.customer("10") as customer:
            for point in TEXT_POINTS:
                (armed,) = await stack.start("api", env={"HATCHERY_KILL_POINT": point})
                told = await asyncio.gather(*(chat(customer, tag) for _ in range(CHATS_AT_ONCE)))
                assert None in told
                async with asyncio.timeout(30):
                    assert await armed.wait() == -9, armed.tail()
            await stack.start("api")
            answer = await chat(customer, tag)
            assert answer is not None
            assert answer.content.endswith(b"data: [DONE]\n\n")
            await drained(stack)

            tasks = [task async for task in stack.database["tasks"].find()]
            completed = [task for task in tasks if task["state"] == "completed"]
            assert [task["cost_nano"] for task in completed] == [CREDITS_NANO]
            assert {task["state"] for task in tasks} == {"completed", "failed"}
            assert len(tasks) > len(TEXT_POINTS)
            balance = (await stack.ledger().balances([customer.account_id]))[customer.account_id]
            assert (balance.held, balance.spent) == (0, CREDITS_NANO)
    finally:
        await stack.close()
