"""Accepting tasks in groups: money first, then the task, then the bell."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from services.api.errors import ServiceUnavailable
from services.api.submit import Submission, Submissions
from shared.accounts.key import KeyOwner
from shared.batching import BatcherClosed
from shared.bus.events import decode
from shared.bus.publisher import Publisher
from shared.bus.topology import ROUTER_QUEUE, declare_queue
from shared.catalog.load import load_catalog
from shared.ids import Prefix, new_id
from shared.killpoints import KillPoints
from shared.ledger.block import Balance
from shared.ledger.chain import Ledger
from shared.ledger.entry import topup
from shared.ledger.refusals import InsufficientBalance
from shared.ledger.verify import Verification
from shared.mongo import Database
from shared.tasks.lifecycle import Role, State
from shared.tasks.model import Task, TaskRequest
from shared.tasks.store import TaskStore
from tests.harness.stack import CATALOG
from tests.integration.broker import Vhost
from tests.integration.conftest import Start
from tests.unit.building import NOON, StillClock, task_document
from tests.unit.catalog.asking import quote

IMAGE = 10_000_000
"""What one image of the model costs."""


def submission(account: str = "acc_1", images: int = 1, task_id: str | None = None) -> Submission:
    request = TaskRequest(prompt="a hen", num_outputs=images)
    model = load_catalog(CATALOG).models["nanobanana"]
    return Submission(
        task_id=task_id or new_id(Prefix.EGGAPI_TASK),
        owner=KeyOwner("key_1", account, suspended=False),
        dialect="eggapi",
        kind="image_generate",
        model="nanobanana",
        request=request,
        quote=quote("nanobanana", request),
        deadline=model.deadline,
        callback_url="https://hooks.example.org/",
        request_id="req_1",
    )


def submissions_over(
    database: Database, clock: StillClock, publisher: Publisher | None = None
) -> Submissions:
    return Submissions(
        TaskStore(database, clock, Role.API),
        Ledger(database, clock),
        publisher or Publisher("amqp://127.0.0.1:1/", "test"),
        clock,
        KillPoints(),
    )


@pytest.fixture
def submissions(database: Database, clock: StillClock) -> Submissions:
    return submissions_over(database, clock)


async def fund(ledger: Ledger, images: int, account: str = "acc_1") -> None:
    await ledger.append({account: [topup(f"pay_{account}", images * IMAGE, {})]})


async def submitted(submissions: Submissions, *wanted: Submission) -> list[Task | BaseException]:
    return await asyncio.gather(*(submissions.submit(one) for one in wanted), return_exceptions=True)


async def test_an_accepted_task_is_stored_with_its_money_held(
    database: Database, submissions: Submissions, ledger: Ledger
) -> None:
    await fund(ledger, 10)
    task = await submissions.submit(submission(images=3))
    document = await database["tasks"].find_one({"_id": task.id})

    assert Task.model_validate(document) == task
    assert (task.state, task.version, task.created_at) == (State.QUEUED, 0, NOON)
    assert task.deadline_at == NOON + timedelta(minutes=15)
    assert task.quote.hold_nano == 3 * IMAGE
    assert await ledger.balances(["acc_1"]) == {"acc_1": Balance(2, 7 * IMAGE, 3 * IMAGE, 0)}
    assert task.wake_at is not None
    assert task.wake_at <= NOON + timedelta(seconds=5)


async def test_a_group_of_many_accounts_takes_one_block_each_and_one_task_each(
    database: Database, submissions: Submissions, ledger: Ledger
) -> None:
    accounts = [f"acc_{n % 6}" for n in range(60)]
    for account in set(accounts):
        await fund(ledger, 10, account)

    tasks = await submitted(submissions, *(submission(account) for account in accounts))

    assert [task.account_id for task in tasks if isinstance(task, Task)] == accounts
    assert await database["ledger"].count_documents({"seq": {"$gt": 1}}) == 6
    assert await database["tasks"].count_documents({}) == 60
    assert (await Verification(database, NOON).run()).clean


async def test_what_does_not_fit_the_balance_is_refused_in_order_and_leaves_no_task(
    database: Database, submissions: Submissions, ledger: Ledger
) -> None:
    await fund(ledger, 6)
    results = await submitted(submissions, *(submission(images=n) for n in (4, 3, 1, 2, 1, 1)))

    assert [isinstance(one, Task) for one in results] == [True, False, True, False, True, False]
    assert all(isinstance(one, Task | InsufficientBalance) for one in results)
    assert await database["tasks"].count_documents({}) == 3
    assert (await ledger.balances(["acc_1"]))["acc_1"].available == 0


async def test_an_account_without_money_does_not_hold_up_its_neighbours(
    submissions: Submissions, ledger: Ledger
) -> None:
    await fund(ledger, 1, "acc_rich")
    results = await submitted(submissions, submission("acc_poor"), submission("acc_rich"))

    assert [type(one) for one in results] == [InsufficientBalance, Task]


async def test_two_processes_and_a_hundred_requests_for_ten_images_sell_exactly_ten(
    database: Database, ledger: Ledger, clock: StillClock
) -> None:
    await fund(ledger, 10)
    processes = [submissions_over(database, clock) for _ in range(2)]

    results = await asyncio.gather(
        *(processes[n % 2].submit(submission()) for n in range(100)), return_exceptions=True
    )

    assert sum(isinstance(one, Task) for one in results) == 10
    assert sum(isinstance(one, InsufficientBalance) for one in results) == 90
    assert await database["tasks"].count_documents({}) == 10


async def test_an_id_that_is_taken_is_not_accepted_and_its_neighbours_are(
    database: Database, submissions: Submissions, ledger: Ledger
) -> None:
    await fund(ledger, 10)
    await database["tasks"].insert_one(task_document(State.REJECTED, _id="gen_taken"))

    results = await submitted(submissions, submission(task_id="gen_taken"), submission())

    assert [type(one) for one in results] == [ServiceUnavailable, Task]
    taken = await database["tasks"].find_one({"_id": "gen_taken"})
    assert taken is not None
    assert taken["state"] == "rejected"


async def test_accepted_tasks_are_announced_to_the_router_and_refused_ones_are_not(
    database: Database, ledger: Ledger, clock: StillClock, vhost: Vhost, running: Start
) -> None:
    async with vhost.channel() as channel:
        await declare_queue(channel, ROUTER_QUEUE)
    publisher = Publisher(vhost.url, "api")
    running(publisher.run())
    assert await publisher.wait_connected(30)
    submissions = submissions_over(database, clock, publisher)
    await fund(ledger, 2)
    results = await submitted(submissions, submission(), submission(images=4), submission())
    await submissions.close()

    announced = [task_id for body in await vhost.take(ROUTER_QUEUE.name) for task_id in decode(body).subjects]
    assert announced == [task.id for task in results if isinstance(task, Task)]


async def test_a_closed_service_takes_nothing_more(submissions: Submissions, ledger: Ledger) -> None:
    await fund(ledger, 10)
    last = asyncio.create_task(submissions.submit(submission()))
    await asyncio.sleep(0)
    await submissions.close()

    assert isinstance(await last, Task)
    with pytest.raises(BatcherClosed):
        await submissions.submit(submission())
