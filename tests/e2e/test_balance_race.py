"""Money for ten, two hundred at once, over two api processes."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from typing import Any

from shared.ledger.verify import Verification
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

AIGENWAY = {"provider": "google_banana", "model": "gemini-3.1-flash-image-preview", "method": "text_to_image"}


async def test_exactly_those_are_accepted_that_the_balance_covers(
    own_stack: Stack, simulator: Simulator
) -> None:
    await own_stack.start("api", count=2)
    await own_stack.start("router", "worker", "billing")
    async with await own_stack.customer("0.10") as customer:
        connections = [customer.connection() for _ in range(8)]
        prompt = f"one of many {uuid.uuid4().hex}"
        body = {"model": "nanobanana", "prompt": prompt}
        answers = await asyncio.gather(
            *(connections[number % 8].post("/v1/generate", json=body) for number in range(200))
        )
        for connection in connections:
            await connection.aclose()

        statuses = Counter(answer.status_code for answer in answers)
        assert statuses == {202: 10, 403: 190}
        refusals = {answer.text for answer in answers if answer.status_code == 403}
        assert refusals == {
            '{"data":null,"error":{"code":"INSUFFICIENT_BALANCE",'
            '"message":"The balance does not cover this request."}}'
        }
        accepted = [answer.json()["data"]["id"] for answer in answers if answer.status_code == 202]
        tasks = await customer.all_finished(accepted)
        assert {task["status"] for task in tasks} == {"completed"}
        balance = (await own_stack.ledger().balances([customer.account_id]))[customer.account_id]
        assert (balance.available, balance.held, balance.spent) == (0, 0, 100_000_000)
        report = await Verification(own_stack.database, own_stack.clock.now()).run()
        assert report.violations == []
        assert await own_stack.database["tasks"].count_documents({}) == 10
        assert len(await simulator.jobs(prompt)) == 10
        served = [program for program in own_stack.of("api") if "listening" in program.log.read_text()]
        assert len(served) == 2

        await own_stack.top_up(customer.account_id, "1")
        assert await own_stack.database["tasks"].count_documents({}) == 10


async def test_dialects_share_one_balance(own_stack: Stack) -> None:
    await own_stack.start("api", count=2)
    async with await own_stack.customer("1") as customer:
        connections = [customer.connection() for _ in range(8)]
        asked: list[tuple[str, dict[str, Any]]] = [
            ("/v1/generate", {"model": "nanobanana", "prompt": "a hen"}),
            ("/v1/generate", {"model": "nanobanana", "prompt": "a hen", "num_outputs": 3}),
            ("/v1/generations", {**AIGENWAY, "params": {"prompt": "a hen"}}),
        ]
        answers = await asyncio.gather(
            *(connections[n % 8].post(asked[n % 3][0], json=asked[n % 3][1]) for n in range(180))
        )
        await asyncio.gather(*(connection.aclose() for connection in connections))

        assert {answer.status_code for answer in answers} == {202, 402, 403}
        held = [task["quote"]["hold_nano"] async for task in own_stack.database["tasks"].find()]
        balance = await own_stack.balance(customer)
        assert len(held) == sum(answer.status_code == 202 for answer in answers)
        assert (balance.held, balance.available) == (sum(held), 1_000_000_000 - sum(held))
        assert balance.available < min(held)
