"""Requests to cancel: noted once, announced each time, and refused when there is nothing left to cancel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.api.admission import Admission, Unlimited
from services.api.cancel import Cancellations, cancel_endpoints
from services.api.dialects.eggapi.endpoints import task_renderer
from services.api.tasks import TaskReader
from shared.bus.events import Event, EventType, decode
from shared.bus.publisher import Publisher
from shared.bus.topology import ROUTER_QUEUE, declare_queue
from shared.mongo import Database
from shared.tasks.lifecycle import Role, State
from shared.tasks.model import Task
from shared.tasks.store import CANCELLABLE, Move, TaskStore
from tests.integration.api.asking import client_of, whoever_says_so
from tests.integration.broker import Vhost
from tests.integration.conftest import Start
from tests.unit.building import NOON, StillClock, attempt, task_document

LEASE = NOON + timedelta(seconds=30)
BY_CANCELLATION = {"error_class": "cancelled", "message": "Task was cancelled"}
BY_DEADLINE = {"error_class": "deadline", "message": "Task timed out"}


@pytest.fixture
def store(database: Database, clock: StillClock) -> TaskStore:
    return TaskStore(database, clock, Role.API)


def api_over(
    database: Database, store: TaskStore, publisher: Publisher | None = None, account_id: str = "acc_1"
) -> httpx.AsyncClient:
    publisher = publisher or Publisher("amqp://127.0.0.1:1/", "test")
    cancellations = Cancellations(store, TaskReader(database), publisher)
    renderers = {"eggapi": task_renderer(lambda key: f"https://files.example.org/{key}")}
    return client_of(
        cancel_endpoints(Admission(whoever_says_so, Unlimited()), cancellations, renderers),
        account_id=account_id,
    )


@pytest.fixture
async def api(database: Database, store: TaskStore) -> AsyncIterator[httpx.AsyncClient]:
    async with api_over(database, store) as client:
        yield client


async def a_stored_task(store: TaskStore, state: State, **fields: Any) -> Task:
    document = task_document(state, attempts=(attempt(),), wake_at=LEASE, **fields)
    await store.insert([document])
    return Task.model_validate(document)


async def stored(database: Database, task: Task) -> dict[str, Any]:
    document = await database["tasks"].find_one({"_id": task.id})
    assert document is not None
    return document


async def cancelled(api: httpx.AsyncClient, task: Task) -> httpx.Response:
    return await api.post(f"/v1/tasks/{task.id}/cancel")


@pytest.mark.parametrize("state", CANCELLABLE)
async def test_a_task_that_goes_on_is_marked_and_nothing_else_of_it_changes(
    database: Database, store: TaskStore, api: httpx.AsyncClient, state: State
) -> None:
    task = await a_stored_task(store, state)
    before = await stored(database, task)

    answer = await cancelled(api, task)

    assert answer.status_code == 202
    assert answer.json()["data"]["id"] == task.id
    assert answer.json()["data"]["status"] in {"pending", "processing"}
    after = await stored(database, task)
    assert after.pop("cancel_requested_at") == NOON
    assert after.pop("wake_at") == (LEASE if state in {State.SUBMITTING, State.RUNNING} else NOON)
    before.pop("wake_at")
    assert after == before


async def test_the_time_of_the_first_request_is_kept(
    database: Database, store: TaskStore, api: httpx.AsyncClient, clock: StillClock
) -> None:
    task = await a_stored_task(store, State.RUNNING)
    await cancelled(api, task)
    clock.forward(seconds=10)

    assert (await cancelled(api, task)).status_code == 202
    assert (await stored(database, task))["cancel_requested_at"] == NOON


async def test_a_workers_move_that_is_on_its_way_still_happens(
    database: Database, store: TaskStore, api: httpx.AsyncClient, clock: StillClock
) -> None:
    task = await a_stored_task(store, State.SUBMITTING)
    await cancelled(api, task)

    worker = TaskStore(database, clock, Role.WORKER)

    assert await worker.move([Move(task, State.RUNNING, timedelta(seconds=30))]) == [True]
    after = await stored(database, task)
    assert (after["state"], after["cancel_requested_at"]) == ("running", NOON)


@pytest.mark.parametrize(
    ("state", "failure"), [(State.REJECTED, BY_CANCELLATION), (State.CANCELLED, BY_CANCELLATION)]
)
async def test_a_task_that_is_cancelled_already_is_shown(
    database: Database, store: TaskStore, api: httpx.AsyncClient, state: State, failure: dict[str, str]
) -> None:
    task = await a_stored_task(store, state, failure=failure)
    before = await stored(database, task)

    answer = await cancelled(api, task)

    assert (answer.status_code, answer.json()["data"]["id"]) == (200, task.id)
    assert await stored(database, task) == before


@pytest.mark.parametrize(
    ("state", "fields", "message"),
    [
        (State.GENERATED, {"outputs": 1}, "The task has already been generated"),
        (State.COMPLETED, {"outputs": 1}, "The task is already completed"),
        (State.REJECTED, {"failure": BY_DEADLINE}, "The task has already failed"),
        (State.FAILED, {"failure": BY_DEADLINE}, "The task has already failed"),
    ],
)
async def test_a_task_that_has_ended_otherwise_is_a_conflict(
    database: Database,
    store: TaskStore,
    api: httpx.AsyncClient,
    state: State,
    fields: dict[str, Any],
    message: str,
) -> None:
    task = await a_stored_task(store, state, **fields)
    before = await stored(database, task)

    answer = await cancelled(api, task)

    assert answer.status_code == 409
    assert answer.json() == {"data": None, "error": {"code": "CONFLICT", "message": message}}
    assert await stored(database, task) == before


@pytest.mark.parametrize("state", [State.RUNNING, State.COMPLETED])
async def test_another_accounts_task_is_as_unknown_as_one_that_is_not(
    database: Database, store: TaskStore, state: State
) -> None:
    task = await a_stored_task(store, state, outputs=1)
    before = await stored(database, task)
    async with api_over(database, store, account_id="acc_2") as stranger:
        foreign = await cancelled(stranger, task)
        unknown = await stranger.post("/v1/tasks/gen_01k6x0v7w3h2m9q4x1b8c5d7ef/cancel")

    assert foreign.status_code == unknown.status_code == 404
    assert foreign.json() == {"data": None, "error": {"code": "NOT_FOUND", "message": "Task not found"}}
    assert foreign.text == unknown.text
    assert await stored(database, task) == before


async def test_a_body_is_ignored_whatever_it_is(store: TaskStore, api: httpx.AsyncClient) -> None:
    task = await a_stored_task(store, State.RUNNING)

    answer = await api.post(
        f"/v1/tasks/{task.id}/cancel", content=b"{no json", headers={"Content-Type": "x/y"}
    )

    assert answer.status_code == 202


async def test_each_request_rings_at_the_router(
    database: Database, store: TaskStore, vhost: Vhost, running: Start
) -> None:
    async with vhost.channel() as channel:
        await declare_queue(channel, ROUTER_QUEUE)
    publisher = Publisher(vhost.url, "api")
    running(publisher.run())
    assert await publisher.wait_connected(30)
    going, done = await a_stored_task(store, State.QUEUED), await a_stored_task(store, State.FAILED)
    async with api_over(database, store, publisher) as api:
        for task in (going, going, done):
            await cancelled(api, task)

    events = [decode(body) for body in await vhost.take(ROUTER_QUEUE.name)]
    assert events == [Event(EventType.TASK_CANCEL_REQUESTED, (going.id,))] * 2
