"""A provider with two keys, one of which it refuses."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr

from deploy.local.servers import Servers
from shared.providers.keys import key_id
from shared.tasks.model import Task
from tests.harness.catalogs import image_model, route, stack_selling
from tests.harness.client import Customer
from tests.harness.eventually import eventually
from tests.harness.rules import rule
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

GOOD, BAD = "the-good-key", "the-bad-key"
GOOD_ID, BAD_ID = (key_id("fal", SecretStr(key)) for key in (GOOD, BAD))


@pytest_asyncio.fixture(scope="module")
async def two_keys(
    servers: Servers, simulator_process: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    """A stack with two keys for fal, where nobody else makes the model."""
    models = {name: image_model(route("fal", name)) for name in ("one", "other")}
    settings = {"HATCHERY_PROVIDERS__FAL__KEYS": json.dumps([BAD, GOOD])}
    folder = tmp_path_factory.mktemp("two-keys")
    async with stack_selling(models, servers, simulator_process.url, folder, settings=settings) as running:
        yield running


@pytest_asyncio.fixture
async def customer(two_keys: Stack, simulator: Simulator) -> AsyncIterator[Customer]:
    """Of a stack whose keys are all awake."""
    await two_keys.database["health"].delete_many({})
    async with await two_keys.customer("10") as customer:
        yield customer


class Orders:
    """Tasks, one after the other."""

    def __init__(self, stack: Stack, customer: Customer, prompt: str) -> None:
        self._stack = stack
        self._customer = customer
        self._prompt = prompt
        self._numbers = count()

    async def next(self, model: str = "one") -> Task:
        """One more, once it has ended well."""
        prompt = f"{self._prompt} {next(self._numbers)}"
        task_id = await self._customer.submit(model=model, prompt=prompt)
        shown = await self._customer.finished(task_id)
        assert shown["status"] == "completed", shown
        return await self._stack.stored(task_id)

    async def until_key(self, key: str) -> Task:
        """The first task from now on of which an attempt was made with this key."""

        async def made_with_it() -> Task | None:
            task = await self.next()
            return task if any(attempt.key_id == key for attempt in task.attempts) else None

        found = await eventually(made_with_it)
        assert found is not None
        return found


@pytest.fixture
def orders(two_keys: Stack, customer: Customer) -> Orders:
    return Orders(two_keys, customer, f"a hen {uuid.uuid4().hex}")


async def _listed(stack: Stack) -> dict[str, dict[str, Any]]:
    """What `hatchery provider keys` tells of fal's."""
    return {
        key["key_id"]: key for key in await stack.hatchery("provider", "keys") if key["provider"] == "fal"
    }


@pytest.mark.parametrize("fault", ["credential", "quota"])
async def test_a_refused_key_rests_while_the_other_works_until_somebody_enables_it(
    two_keys: Stack, simulator: Simulator, customer: Customer, orders: Orders, fault: str
) -> None:
    await simulator.rules(rule("fal", "", fault, key=BAD))

    refused = await orders.until_key(BAD_ID)

    tried = [(attempt.key_id, attempt.error_class) for attempt in refused.attempts]
    assert tried == [(BAD_ID, fault), (GOOD_ID, None)]
    later = [await orders.next() for _ in range(6)] + [await orders.next("other")]
    assert [[attempt.key_id for attempt in task.attempts] for task in later] == [[GOOD_ID]] * 7
    assert await simulator.matched() == [1]
    keys = await _listed(two_keys)
    assert keys.keys() == {GOOD_ID, BAD_ID}
    assert (keys[BAD_ID]["reason"], keys[GOOD_ID]["reason"]) == (fault, None)
    assert keys[BAD_ID]["until"] is not None

    await simulator.clear_rules()
    assert await two_keys.hatchery("provider", "enable", BAD_ID) == {"key_id": BAD_ID, "rested": True}

    assert (await _listed(two_keys))[BAD_ID]["reason"] is None
    again = await orders.until_key(BAD_ID)
    assert [attempt.error_class for attempt in again.attempts] == [None]
    assert (await two_keys.balance(customer)).held == 0


async def test_a_key_that_was_used_too_often_gives_way_to_the_other_at_once_and_on_this_route_only(
    two_keys: Stack, simulator: Simulator, orders: Orders
) -> None:
    await simulator.rules(rule("fal", "", "http_429", key=BAD, retry_after=600))

    limited = await orders.until_key(BAD_ID)

    tried = [(attempt.key_id, attempt.error_class) for attempt in limited.attempts]
    assert tried == [(BAD_ID, "rate_limit"), (GOOD_ID, None)]
    later = [await orders.next() for _ in range(4)]
    assert [[attempt.key_id for attempt in task.attempts] for task in later] == [[GOOD_ID]] * 4
    assert (await _listed(two_keys))[BAD_ID]["reason"] is None
    await simulator.clear_rules()
    elsewhere = [(await orders.next("other")).attempt.key_id for _ in range(4)]
    assert set(elsewhere) == {GOOD_ID, BAD_ID}


async def test_with_both_keys_refused_each_is_tried_once_and_the_money_comes_back(
    two_keys: Stack, simulator: Simulator, customer: Customer
) -> None:
    await simulator.rules(rule("fal", "", "credential"))

    task_id = await customer.submit(model="one")
    shown = await customer.finished(task_id)

    assert (shown["status"], shown["cost"]) == ("failed", "$0.00")
    attempts = (await two_keys.stored(task_id)).attempts
    assert {attempt.key_id for attempt in attempts} == {GOOD_ID, BAD_ID}
    assert len(attempts) == 2
    balance = await two_keys.balance(customer)
    assert (balance.spent, balance.held) == (0, 0)
