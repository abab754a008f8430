"""What an operator agrees with an account reaches the services that keep to it."""

from __future__ import annotations

from typing import Any

from tests.harness.eventually import eventually
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack


async def test_thresholds_set_by_command_are_told_by_billing(own_stack: Stack, simulator: Simulator) -> None:
    await own_stack.start("api", "router", "worker")
    await own_stack.start("billing", count=2, env={"HATCHERY_THRESHOLDS_EVERY_SECONDS": "0.1"})
    async with await own_stack.customer("1") as customer:
        words = ("--low-balance", "0.985", "--usage", "0.02")
        await own_stack.hatchery("account", "thresholds", customer.account_id, *words)
        await customer.all_finished([await customer.submit() for _ in range(3)])

        async def both() -> dict[str, Any]:
            told = own_stack.database["account_events"].find()
            found = {one["type"]: one["data"] async for one in told}
            return found if len(found) == 2 else {}

        found = await eventually(both)
        assert found.keys() == {"balance.low", "usage.threshold"}
        assert found["balance.low"]["threshold_usd"] == "0.985000000"
        assert found["usage.threshold"]["threshold_usd"] == "0.020000000"


async def test_a_discount_agreed_by_command_makes_requests_cheaper(own_stack: Stack) -> None:
    await own_stack.start("api")
    async with await own_stack.customer("1") as customer:
        await own_stack.hatchery("account", "discount", customer.account_id, "20")
        await customer.submit()

        assert (await own_stack.balance(customer)).held == 8_000_000
