"""One Idempotency-Key over several api processes, alive and killed."""

from __future__ import annotations

import asyncio
import uuid

import httpx

from tests.harness.client import Customer
from tests.harness.invariants import drained
from tests.harness.stack import Stack

BODY = {"model": "nanobanana", "prompt": "a hen in a hat"}
IMAGE = 10_000_000


async def posted(customer: Customer, key: str, **fields: object) -> httpx.Response:
    """Over a connection of its own, so that the processes share the requests."""
    async with customer.connection() as http:
        return await http.post("/v1/generate", json={**BODY, **fields}, headers={"Idempotency-Key": key})


async def test_fifty_posts_with_one_key_over_two_processes_are_one_task_and_one_charge(
    own_stack: Stack,
) -> None:
    await own_stack.start("api", count=2)
    await own_stack.start("router", "worker", "billing", "notifier")
    async with await own_stack.customer("1") as customer:
        answers = await asyncio.gather(*(posted(customer, "order:1") for _ in range(50)))

        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.content for answer in answers}) == 1
        task_id = answers[0].json()["data"]["id"]
        finished = await customer.http.get(f"/v1/tasks/{task_id}", params={"wait": "60"})
        assert finished.json()["data"]["status"] == "completed"
        await drained(own_stack)
        assert (await own_stack.balance(customer)).spent == IMAGE
        assert (await customer.http.get("/v1/tasks")).json()["data"]["pagination"]["total"] == 1

        late, other = await posted(customer, "order:1"), await posted(customer, "order:1", num_outputs=2)
        assert (late.status_code, late.content) == (202, answers[0].content)
        assert (other.status_code, other.json()["error"]["code"]) == (409, "CONFLICT")
    assert (await own_stack.hatchery("ledger", "verify"))["violations"] == []


async def test_a_key_that_is_none_is_a_bad_request(stack: Stack) -> None:
    async with await stack.customer() as customer:
        for key in ("", "a.b", "x" * 256, "a b"):
            answer = await posted(customer, key)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BAD_REQUEST")
        assert (await customer.http.get("/v1/tasks")).json()["data"]["pagination"]["total"] == 0


async def test_the_same_key_of_two_accounts_is_two_tasks(stack: Stack) -> None:
    key = uuid.uuid4().hex
    async with await stack.customer() as one, await stack.customer() as another:
        assert (await posted(one, key)).json() != (await posted(another, key)).json()
