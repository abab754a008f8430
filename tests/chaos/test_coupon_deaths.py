"""The api dies while it takes a coupon's uses: what was not sold is there again."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from shared.killpoints import POINTS
from shared.ledger.chains import coupon_chain, coupon_chain_of
from tests.contract.aigenway.client import IMAGE
from tests.harness.client import Customer
from tests.harness.coupons import make_coupon
from tests.harness.invariants import drained
from tests.harness.stack import Stack

COUPON_POINTS = [point for point in POINTS if point.startswith("api.coupon_")]


async def ordered(customer: Customer, code: str) -> int | None:
    """The status; None if the api died before it answered."""
    body = {**IMAGE, "params": {"prompt": "a cat"}, "coupon": code}
    try:
        async with customer.connection() as http:
            return (await http.post("/v1/generations", json=body)).status_code
    except httpx.TransportError:
        return None


@pytest.mark.parametrize("point", COUPON_POINTS)
async def test_a_death_between_the_writes_of_a_coupon_takes_no_use(lasting_stack: Stack, point: str) -> None:
    stack = lasting_stack
    code = await make_coupon(stack, uses=1)
    await stack.stop("api")
    async with await stack.customer() as customer, await stack.customer() as rival:
        (armed,) = await stack.start("api", env={"HATCHERY_KILL_POINT": point})
        # Two accounts at once: one of them is refused by the coupon's own chain.
        answers = await asyncio.gather(ordered(customer, code), ordered(rival, code))
        async with asyncio.timeout(60):
            assert await armed.wait() == -9, armed.tail()
        assert None in answers
        await stack.start("api")
        await drained(stack)
        chains = [coupon_chain(code), *(coupon_chain_of(code, one.account_id) for one in (customer, rival))]

        tails = await stack.ledger().balances(chains)
        sold = await stack.database["tasks"].count_documents({"coupon": code, "state": "completed"})
        assert tails[chains[0]].spent == sold
        assert sum(tails[chain].spent for chain in chains[1:]) == sold
        if not sold:
            assert await ordered(customer, code) == 202
            await drained(stack)
    assert (await stack.hatchery("ledger", "verify"))["violations"] == []
