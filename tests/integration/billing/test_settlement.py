"""Settling tasks: what was delivered is paid for once, everything else is given back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.billing.settle import NOTIFY_WAKE, Settlement, SettlementMismatch
from shared.killpoints import KillPoints
from shared.ledger.block import Balance
from shared.ledger.chain import Ledger
from shared.ledger.entry import end, hold, topup
from shared.ledger.verify import Verification
from shared.mongo import Database, Document
from shared.secrets import SecretBox
from shared.tasks.lifecycle import Role, State
from shared.tasks.model import Task
from shared.tasks.service import TaskTools
from shared.webhooks.endpoint import NewEndpoint
from shared.webhooks.endpoints import Endpoints
from tests.integration.conftest import ToolsOf
from tests.unit.building import NOON, UNIT_NANO, StillClock, task_document

START = 100 * UNIT_NANO
POLICY = {"error_class": "policy_refusal", "message": "Content moderation: refused"}
CANCELLED = {"error_class": "cancelled", "message": "Task was cancelled"}


@pytest.fixture
def tools(tools_of: ToolsOf) -> TaskTools:
    return tools_of(Role.BILLING)


@pytest.fixture
def settlement(tools: TaskTools, ledger: Ledger, clock: StillClock) -> Settlement:
    return Settlement(tools, ledger, clock, KillPoints())


class Held:
    """Tasks whose money is held, as the other services leave them to billing."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger

    async def tasks(self, *documents: Document) -> list[Task]:
        accounts = {one["account_id"] for one in documents}
        await self._ledger.append({account: [topup(f"pay_{account}", START, {})] for account in accounts})
        for one in documents:
            entry = hold(one["_id"], one["quote"]["hold_nano"], one["model"])
            await self._ledger.append({one["account_id"]: [entry]})
        await self._database["tasks"].insert_many(documents)
        return [Task.model_validate(one) for one in documents]

    async def balance(self, account: str = "acc_1") -> Balance:
        return (await self._ledger.balances([account]))[account]

    async def stored(self, task: Task) -> Document:
        document = await self._database["tasks"].find_one({"_id": task.id})
        assert document is not None
        return document


@pytest.fixture
def held(database: Database, ledger: Ledger) -> Held:
    return Held(database, ledger)


@pytest.mark.parametrize(
    ("document", "state", "captured"),
    [
        ({"state": State.GENERATED, "outputs": 1}, "completed", UNIT_NANO),
        ({"state": State.GENERATED, "outputs": 4, "units": 4}, "completed", 4 * UNIT_NANO),
        ({"state": State.GENERATED, "outputs": 2, "units": 4}, "completed", 2 * UNIT_NANO),
        ({"state": State.GENERATED, "outputs": 3, "units": 2}, "completed", 2 * UNIT_NANO),
        ({"state": State.REJECTED, "failure": POLICY}, "failed", 0),
        ({"state": State.REJECTED, "failure": None}, "failed", 0),
        ({"state": State.REJECTED, "failure": CANCELLED}, "cancelled", 0),
        ({"state": State.REJECTED, "failure": POLICY, "outputs": 2, "units": 2}, "failed", 0),
    ],
)
async def test_a_task_ends_with_the_price_of_what_was_delivered(
    held: Held, settlement: Settlement, document: dict[str, Any], state: str, captured: int
) -> None:
    (task,) = await held.tasks(task_document(**document))

    await settlement.settle([task])

    after = await held.stored(task)
    assert (after["state"], after["cost_nano"], after["completed_at"]) == (state, captured, NOON)
    assert await held.balance() == Balance(3, START - captured, 0, captured)


async def test_a_task_with_a_callback_is_looked_at_again_and_one_without_is_not(
    held: Held, settlement: Settlement
) -> None:
    silent, told = await held.tasks(
        task_document(State.GENERATED, outputs=1),
        task_document(State.GENERATED, outputs=1, callback_url="https://hooks.example.org/"),
    )
    await settlement.settle([silent, told])

    assert "wake_at" not in await held.stored(silent)
    assert NOON <= (await held.stored(told))["wake_at"] <= NOON + NOTIFY_WAKE


async def test_a_task_whose_account_has_an_endpoint_is_looked_at_again(
    held: Held, settlement: Settlement, database: Database, clock: StillClock
) -> None:
    before, told, after = await held.tasks(*(task_document(State.GENERATED, outputs=1) for _ in range(3)))
    endpoints = Endpoints(database, clock, SecretBox("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="))
    await settlement.settle([before])
    endpoint, _ = await endpoints.create(told.account_id, NewEndpoint("https://hooks.example.org/"))
    await settlement.settle([told])
    await endpoints.change(told.account_id, endpoint.id, {"enabled": False})
    await settlement.settle([after])

    waking = ["wake_at" in await held.stored(task) for task in (before, told, after)]
    assert waking == [False, True, False]


async def test_a_redelivered_generation_is_charged_once(held: Held, settlement: Settlement) -> None:
    (task,) = await held.tasks(task_document(State.GENERATED, outputs=1))

    for _ in range(3):
        await settlement.settle([task])

    assert await held.balance() == Balance(3, START - UNIT_NANO, 0, UNIT_NANO)
    assert (await held.stored(task))["version"] == 1


async def test_a_generation_delivered_to_many_at_once_is_charged_once(
    held: Held, tools: TaskTools, database: Database, clock: StillClock
) -> None:
    tasks = await held.tasks(*(task_document(State.GENERATED, outputs=1) for _ in range(10)))
    replicas = [Settlement(tools, Ledger(database, clock), clock, KillPoints()) for _ in range(4)]

    await asyncio.gather(*(replica.settle(tasks) for replica in replicas))

    balance = await held.balance()
    assert (balance.held, balance.spent) == (0, 10 * UNIT_NANO)
    assert (await Verification(database, NOON).run()).clean


@pytest.mark.parametrize("others", [0, 3])
async def test_a_settlement_cut_off_after_its_block_is_finished_by_the_next_delivery(
    held: Held, settlement: Settlement, ledger: Ledger, others: int
) -> None:
    running = [task_document(State.RUNNING) for _ in range(others)]
    task, *_ = await held.tasks(task_document(State.GENERATED, outputs=1), *running)
    await ledger.append({"acc_1": [end(task.id, UNIT_NANO, UNIT_NANO, task.model, 1)]})

    await settlement.settle([task])

    after = await held.stored(task)
    assert (after["state"], after["cost_nano"]) == ("completed", UNIT_NANO)
    assert (await held.balance()).spent == UNIT_NANO


async def test_another_end_than_the_outcome_calls_for_is_an_error_and_neighbours_are_settled(
    held: Held, settlement: Settlement, ledger: Ledger
) -> None:
    wrong, right = await held.tasks(
        task_document(State.GENERATED, outputs=1), task_document(State.GENERATED, outputs=1)
    )
    await ledger.append({"acc_1": [end(wrong.id, UNIT_NANO, 0, wrong.model, 0)]})

    with pytest.raises(SettlementMismatch, match=wrong.id):
        await settlement.settle([wrong, right])
    assert (await held.stored(wrong))["state"] == "generated"
    assert (await held.stored(right))["state"] == "completed"
    assert (await held.balance()).spent == UNIT_NANO


async def test_a_batch_of_many_accounts_has_one_block_for_each(
    database: Database, held: Held, settlement: Settlement
) -> None:
    documents = [task_document(State.GENERATED, outputs=1, account_id=f"acc_{n % 5}") for n in range(20)]
    tasks = await held.tasks(*documents)
    before = await database["ledger"].count_documents({})

    await settlement.settle(tasks)

    assert await database["ledger"].count_documents({}) == before + 5
    assert [(await held.balance(f"acc_{n}")).spent for n in range(5)] == [4 * UNIT_NANO] * 5
    assert (await Verification(database, NOON).run()).clean


async def test_only_generated_and_rejected_tasks_are_billings(settlement: Settlement) -> None:
    assert set(settlement.routes()) == {State.GENERATED, State.REJECTED}
