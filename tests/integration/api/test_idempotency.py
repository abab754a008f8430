"""One key, one task: claimed in the same insert, answered with the same bytes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi import Response

from services.api.claims import Answer, Claim
from services.api.errors import IdempotencyKeyInUse, IdempotencyKeyMismatch
from services.api.idempotency import AnswerNotKept, Idempotency
from services.api.submit import KeyTaken, Submission
from services.api.text.orders import TextOrders
from services.billing.settle import Settlement
from shared.catalog.model import Catalog
from shared.killpoints import KillPoints
from shared.ledger.chain import Ledger
from shared.ledger.refusals import InsufficientBalance
from shared.ledger.verify import Verification
from shared.mongo import Database
from shared.providers.errors import ErrorClass
from shared.tasks.lifecycle import Role, State
from shared.tasks.model import Task, TaskFailure
from shared.tasks.store import TaskStore
from tests.integration.api.test_submissions import IMAGE, fund, submission, submissions_over
from tests.integration.conftest import ToolsOf
from tests.unit.building import NOON, StillClock

BODY, OTHER = b"\x01" * 32, b"\x02" * 32


def claimed(key: str = "order-1", fingerprint: bytes = BODY, account: str = "acc_1") -> Submission:
    return replace(submission(account), claim=Claim(key, fingerprint))


def shown(task: Task) -> Answer:
    return Answer(202, b'{"id": "%b"}' % task.id.encode())


def api_over(database: Database, clock: StillClock) -> Idempotency:
    return Idempotency(TaskStore(database, clock, Role.API), submissions_over(database, clock))


@pytest.fixture
def idempotency(database: Database, clock: StillClock) -> Idempotency:
    return api_over(database, clock)


async def settled(ledger: Ledger, database: Database, clock: StillClock, tools_of: ToolsOf) -> None:
    """What billing does about rejected tasks."""
    cursor = database["tasks"].find({"state": "rejected"})
    rejected = [Task.model_validate(document) async for document in cursor]
    await Settlement(tools_of(Role.BILLING), ledger, clock, KillPoints()).settle(rejected)


async def test_the_answer_is_given_again_byte_by_byte(
    database: Database, idempotency: Idempotency, ledger: Ledger
) -> None:
    await fund(ledger, 1)
    first = await idempotency.create(claimed(), shown)
    again = await idempotency.replay(claimed().owner, claimed().claim)

    assert again is not None
    assert (again.status_code, again.body, again.media_type) == (202, first.body, "application/json")
    assert await database["tasks"].count_documents({}) == 1
    assert (await ledger.balances(["acc_1"]))["acc_1"].held == IMAGE


async def test_another_body_is_a_mismatch_whenever_it_comes(
    database: Database, idempotency: Idempotency, ledger: Ledger
) -> None:
    await fund(ledger, 10)
    await idempotency.create(claimed(), shown)
    other = claimed(fingerprint=OTHER)

    with pytest.raises(IdempotencyKeyMismatch):
        await idempotency.replay(other.owner, other.claim)
    with pytest.raises(IdempotencyKeyMismatch):
        await idempotency.create(other, shown)
    assert await database["tasks"].count_documents({"dialect": "eggapi"}) == 1


async def test_a_key_is_its_accounts_own(idempotency: Idempotency, ledger: Ledger) -> None:
    await fund(ledger, 1)
    await fund(ledger, 1, "acc_2")
    first = await idempotency.create(claimed(), shown)
    foreign = claimed(account="acc_2", fingerprint=OTHER)

    assert await idempotency.replay(foreign.owner, foreign.claim) is None
    assert (await idempotency.create(foreign, shown)).body != first.body


async def test_without_a_key_every_request_is_its_own(idempotency: Idempotency, ledger: Ledger) -> None:
    await fund(ledger, 2)
    answers = [await idempotency.create(submission(), shown) for _ in range(2)]

    assert answers[0].body != answers[1].body
    assert await idempotency.replay(submission().owner, None) is None


async def test_many_at_once_over_two_processes_are_one_task_one_charge_and_one_answer(
    database: Database,
    ledger: Ledger,
    clock: StillClock,
    tools_of: ToolsOf,
) -> None:
    await fund(ledger, 100)
    processes = [api_over(database, clock) for _ in range(2)]

    answers = await asyncio.gather(*(processes[n % 2].create(claimed(), shown) for n in range(50)))

    assert len({answer.body for answer in answers}) == 1
    assert await database["tasks"].count_documents({"dialect": "eggapi"}) == 1
    await settled(ledger, database, clock, tools_of)
    balance = (await ledger.balances(["acc_1"]))["acc_1"]
    assert (balance.held, balance.available) == (IMAGE, 99 * IMAGE)
    clock.forward(minutes=3)
    assert (await Verification(database, clock.now()).run()).clean


async def test_a_group_holds_money_once_per_key(
    database: Database, idempotency: Idempotency, ledger: Ledger
) -> None:
    await fund(ledger, 1)
    answers = await asyncio.gather(*(idempotency.create(claimed(), shown) for _ in range(20)))

    assert len({answer.body for answer in answers}) == 1
    assert await database["ledger"].count_documents({}) == 2


async def test_who_loses_the_race_gets_his_hold_back_and_the_winners_answer(
    database: Database, idempotency: Idempotency, ledger: Ledger, clock: StillClock, tools_of: ToolsOf
) -> None:
    await fund(ledger, 10)
    first = await idempotency.create(claimed(), shown)
    loser = claimed()

    assert (await idempotency.create(loser, shown)).body == first.body

    stand_in = await database["tasks"].find_one({"_id": loser.task_id})
    assert stand_in is not None
    assert (stand_in["dialect"], stand_in["state"]) == ("none", "rejected")
    assert "idempotency" not in stand_in
    await settled(ledger, database, clock, tools_of)
    assert (await ledger.balances(["acc_1"]))["acc_1"].held == IMAGE
    assert (await Verification(database, NOON + timedelta(minutes=5)).run()).clean


async def test_a_refused_request_claims_nothing(idempotency: Idempotency, ledger: Ledger) -> None:
    with pytest.raises(InsufficientBalance):
        await idempotency.create(claimed(), shown)
    await fund(ledger, 1)

    assert await idempotency.replay(claimed().owner, claimed().claim) is None
    assert (await idempotency.create(claimed(), shown)).status_code == 202


async def test_in_a_group_whose_first_is_refused_the_others_are_to_try_again(
    idempotency: Idempotency, ledger: Ledger
) -> None:
    results = await asyncio.gather(
        *(idempotency.create(claimed(), shown) for _ in range(3)), return_exceptions=True
    )

    assert [type(one) for one in results] == [InsufficientBalance, KeyTaken, KeyTaken]
    assert KeyTaken().retry_after_seconds == 1


async def test_an_answer_does_not_depend_on_what_is_left_on_the_account(
    idempotency: Idempotency, ledger: Ledger
) -> None:
    await fund(ledger, 1)
    first = await idempotency.create(claimed(), shown)

    assert (await ledger.balances(["acc_1"]))["acc_1"].available == 0
    assert (await _again(idempotency)).body == first.body


async def _again(idempotency: Idempotency) -> Response:
    kept = await idempotency.replay(claimed().owner, claimed().claim)
    assert kept is not None
    return kept


async def test_a_day_after_the_answer_the_key_is_free(
    database: Database, idempotency: Idempotency, ledger: Ledger, clock: StillClock, tools_of: ToolsOf
) -> None:
    await fund(ledger, 10)
    first = await idempotency.create(claimed(), shown)
    store = tools_of(Role.BILLING).store

    clock.forward(hours=23, minutes=59)
    await store.free_expired_keys()
    assert (await _again(idempotency)).body == first.body

    clock.forward(minutes=1)
    await store.free_expired_keys()
    assert await idempotency.replay(claimed().owner, claimed().claim) is None
    assert (await idempotency.create(claimed(fingerprint=OTHER), shown)).body != first.body
    assert await database["tasks"].count_documents({"idempotency": {"$exists": True}}) == 1


class Calls:
    """An api that answers text calls itself."""

    def __init__(self, database: Database, clock: StillClock, tools_of: ToolsOf) -> None:
        self.submissions = submissions_over(database, clock)
        self.idempotency = Idempotency(TaskStore(database, clock, Role.API), self.submissions)
        self.orders = TextOrders(
            self.submissions,
            tools_of(Role.WORKER).mover,
            tools_of(Role.ROUTER).mover,
            clock,
            KillPoints(),
            Catalog(providers={}, models={}),
        )

    async def open(self) -> Task:
        return await self.orders.open(replace(claimed(), mode="sync"))

    async def again(self, fingerprint: bytes = BODY) -> Response | None:
        return await self.idempotency.replay(claimed().owner, Claim("order-1", fingerprint))


@pytest.fixture
async def calls(database: Database, clock: StillClock, tools_of: ToolsOf, ledger: Ledger) -> Calls:
    await fund(ledger, 10)
    return Calls(database, clock, tools_of)


async def test_while_a_call_goes_on_its_key_is_in_use(calls: Calls) -> None:
    await calls.open()

    with pytest.raises(IdempotencyKeyInUse):
        await calls.again()
    with pytest.raises(KeyTaken):
        await calls.open()
    with pytest.raises(IdempotencyKeyMismatch):
        await calls.again(OTHER)


async def test_the_answer_to_a_call_is_kept_with_its_task(calls: Calls) -> None:
    task = await calls.open()
    calls.orders.answered(task, (), None, Answer(200, b"data: [DONE]\n\n", "text/event-stream"))
    await calls.orders.close()

    kept = await calls.again()
    assert kept is not None
    assert (kept.status_code, kept.body, kept.media_type) == (200, b"data: [DONE]\n\n", "text/event-stream")


async def test_the_answer_to_a_call_without_a_key_is_not_stored(database: Database, calls: Calls) -> None:
    task = await calls.orders.open(replace(submission(), mode="sync"))
    calls.orders.answered(task, (), None, Answer(200, b"a secret"))
    await calls.orders.close()

    stored = await database["tasks"].find_one({"_id": task.id})
    assert stored is not None
    assert stored["state"] == "generated"
    assert "idempotency" not in stored
    assert "a secret" not in str(stored)


@pytest.mark.parametrize("answer", [None, Answer(200, b"x" * (1024 * 1024 + 1))])
async def test_what_was_not_kept_is_not_done_again(calls: Calls, answer: Answer | None) -> None:
    task = await calls.open()
    calls.orders.answered(task, (), None, answer)
    await calls.orders.close()

    with pytest.raises(AnswerNotKept):
        await calls.again()


async def test_a_call_that_failed_frees_its_key(calls: Calls) -> None:
    task = await calls.open()
    calls.orders.failed(task, (), TaskFailure(error_class=ErrorClass.UNKNOWN, message="No"))
    await calls.orders.close()

    assert await calls.again() is None
    assert (await calls.open()).state is State.RUNNING


async def test_a_call_that_was_never_closed_frees_its_key_in_the_end(
    calls: Calls, clock: StillClock, tools_of: ToolsOf
) -> None:
    await calls.open()
    clock.forward(days=2)
    await tools_of(Role.BILLING).store.free_expired_keys()

    assert await calls.again() is None


async def test_many_keys_expire_in_portions(database: Database, tools_of: ToolsOf) -> None:
    expired = {"fingerprint": BODY, "expires_at": NOON}
    await database["tasks"].insert_many(
        {"_id": f"gen_{n}", "account_id": "acc_1", "idempotency": {"key": str(n), **expired}}
        for n in range(2500)
    )

    await tools_of(Role.BILLING).store.free_expired_keys()

    assert await database["tasks"].count_documents({"idempotency": {"$exists": True}}) == 0
