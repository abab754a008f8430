"""One use, fifty at once, over two api processes."""

from __future__ import annotations

import asyncio
from collections import Counter

from tests.contract.aigenway.client import IMAGE
from tests.harness.coupons import make_coupon, uses
from tests.harness.invariants import drained
from tests.harness.stack import Stack

CHEAP = 108_000_000


async def test_exactly_one_of_fifty_gets_the_discount(own_stack: Stack) -> None:
    await own_stack.start("api", count=2)
    await own_stack.start("router", "worker", "billing", "notifier")
    code = await make_coupon(own_stack, uses=1)
    body = {**IMAGE, "params": {"prompt": "a cat"}, "coupon": code}
    async with await own_stack.customer("10") as customer:
        connections = [customer.connection() for _ in range(10)]
        answers = await asyncio.gather(
            *(connections[number % 10].post("/v1/generations", json=body) for number in range(50))
        )
        for connection in connections:
            await connection.aclose()

        assert Counter(answer.status_code for answer in answers) == {202: 1, 422: 49}
        refusals = [answer.json()["error"] for answer in answers if answer.status_code == 422]
        assert {refusal["code"] for refusal in refusals} == {"coupon_already_used"}
        await drained(own_stack)
        balance = await own_stack.balance(customer)
        assert (balance.available, balance.held, balance.spent) == (10_000_000_000 - CHEAP, 0, CHEAP)
        assert await uses(own_stack, code) == (0, 1)
    served = [program for program in own_stack.of("api") if "listening" in program.log.read_text()]
    assert len(served) == 2
    assert (await own_stack.hatchery("ledger", "verify"))["violations"] == []
