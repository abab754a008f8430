"""A client that sends its request again, with its key, whatever becomes of the api."""

from __future__ import annotations

import asyncio
import uuid

import httpx
import pytest

from tests.harness.client import Customer
from tests.harness.invariants import assert_invariants, drained
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

POINTS = ("api.before_block", "api.between_block_and_tasks", "api.after_tasks", "api.after_publish")


async def _until_answered(customer: Customer, key: str, prompt: str) -> httpx.Response:
    """What every sensible client does: the same again until there is an answer."""
    body = {"model": "nanobanana", "prompt": prompt}
    async with asyncio.timeout(90):
        while True:
            try:
                async with customer.connection() as http:
                    answer = await http.post("/v1/generate", json=body, headers={"Idempotency-Key": key})
            except httpx.TransportError:
                await asyncio.sleep(0.1)
                continue
            if answer.status_code == 202:
                return answer
            assert answer.status_code == 503 or answer.headers["retry-after"] == "1", answer.text
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("point", POINTS)
async def test_a_retry_after_a_death_is_the_same_task(
    lasting_stack: Stack, simulator: Simulator, point: str
) -> None:
    stack, tag = lasting_stack, f"again{uuid.uuid4().hex}"
    await stack.stop("api")
    (armed,) = await stack.start("api", env={"HATCHERY_KILL_POINT": point})
    async with await stack.customer() as customer:
        clients = [
            asyncio.create_task(_until_answered(customer, f"order-{n % 2}", f"{tag} {n % 2}"))
            for n in range(10)
        ]
        async with asyncio.timeout(60):
            assert await armed.wait() == -9, armed.tail()
        before = [
            task["_id"] async for task in stack.database["tasks"].find({"request.prompt": {"$regex": tag}})
        ]
        await stack.start("api", count=2)
        answers = await asyncio.gather(*clients)

        ids = {answer.json()["data"]["id"] for answer in answers}
        assert len(ids) == len({answer.content for answer in answers}) == 2
        assert set(before) <= ids
        assert await _until_answered(customer, "order-0", f"{tag} 0") is not None
        await drained(stack)
        await assert_invariants(stack, sorted(ids), simulator, tag, [customer.key])
