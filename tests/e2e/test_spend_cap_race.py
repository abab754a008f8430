"""A spend cap for ten, a hundred at once, over two api processes."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter

import pytest

from shared.ledger.caps import Cap, Per, next_begin
from shared.ledger.limits import SpendLimits
from shared.ledger.verify import Verification
from tests.harness.client import Customer
from tests.harness.rules import rule
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

TEN_PICTURES = 100_000_000


async def hundred_at_once(customer: Customer, prompt: str) -> tuple[Counter[int], list[str], set[str]]:
    """Statuses, accepted tasks, messages of refusals."""
    connections = [customer.connection() for _ in range(8)]
    body = {"model": "nanobanana", "prompt": prompt}
    answers = await asyncio.gather(
        *(connections[number % 8].post("/v1/generate", json=body) for number in range(100))
    )
    await asyncio.gather(*(connection.aclose() for connection in connections))
    accepted = [answer.json()["data"]["id"] for answer in answers if answer.status_code == 202]
    refused = {answer.json()["error"]["message"] for answer in answers if answer.status_code == 403}
    return Counter(answer.status_code for answer in answers), accepted, refused


@pytest.mark.parametrize("whose", ["key", "account"])
async def test_exactly_those_are_accepted_that_the_cap_covers(
    own_stack: Stack, simulator: Simulator, whose: str
) -> None:
    prompt = f"nobody can {uuid.uuid4().hex}"
    await simulator.rules(rule("*", prompt, "job_fails"))
    await own_stack.start("api", count=2)
    await own_stack.start("router", "worker", "billing")
    async with await own_stack.customer("5") as customer:
        limits = SpendLimits(own_stack.ledger(), own_stack.clock)
        key_id = customer.key_id if whose == "key" else None
        cap = await limits.impose(customer.account_id, key_id, Per.MONTH, TEN_PICTURES, "test")

        async def counted() -> list[Cap]:
            return list(await limits.of(customer.account_id))

        statuses, accepted, refusals = await hundred_at_once(customer, prompt)
        assert statuses == {202: 10, 403: 90}
        (message,) = refusals
        name = "This key's" if whose == "key" else "The account's"
        assert message.startswith(f"{name} spend cap of $0.10 a month does not cover this request")
        assert message.endswith(f"It opens again at {next_begin(Per.MONTH, cap.period)} UTC")

        failed = await customer.all_finished(accepted)
        assert {task["status"] for task in failed} == {"failed"}
        assert [one.counted for one in await counted()] == [0]

        statuses, accepted, _ = await hundred_at_once(customer, "one of many")
        assert statuses == {202: 10, 403: 90}
        completed = await customer.all_finished(accepted)
        assert {task["status"] for task in completed} == {"completed"}
        assert [one.counted for one in await counted()] == [TEN_PICTURES]
        assert (await customer.post()).status_code == 403

        balance = await own_stack.balance(customer)
        assert (balance.available, balance.held, balance.spent) == (4_900_000_000, 0, TEN_PICTURES)
        report = await Verification(own_stack.database, own_stack.clock.now()).run()
        assert report.violations == []
        served = [program for program in own_stack.of("api") if "listening" in program.log.read_text()]
        assert len(served) == 2
