"""Waiting over real HTTP: woken by the bell, a look or the end of time; nothing is left behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request, Response

from services.api.admission import Admission, Unlimited
from services.api.dialects.eggapi.endpoints import task_renderer
from services.api.dialects.eggapi.mapping import status_of
from services.api.errors import NotFound
from services.api.events import event_endpoints
from services.api.middleware import RequestFrame
from services.api.rendering import render_errors
from services.api.tasks import TaskReader
from services.api.waiting import ENDINGS, Bell, Waiting
from shared.bus.events import Event, EventType
from shared.bus.listener import Listener
from shared.bus.publisher import Publisher
from shared.mongo import Database
from shared.serving import serving
from shared.tasks.lifecycle import Role, State
from shared.tasks.model import Task
from shared.tasks.store import Move, TaskStore
from tests.integration.api.asking import whoever_says_so
from tests.integration.broker import Vhost
from tests.integration.conftest import Eventually, Start
from tests.unit.building import NOON, StillClock, attempt, task_document

MINUTES = 600.0
SHOW = task_renderer(lambda key: f"https://files.example.org/{key}")


class Api:
    """The endpoints that wait, on a port, and whatever moves the tasks."""

    def __init__(self, database: Database, clock: StillClock, bell: Bell, client: httpx.AsyncClient) -> None:
        self.bell = bell
        self.client = client
        self._database = database
        self._clock = clock

    async def task(self, state: State = State.RUNNING, **fields: Any) -> Task:
        document = task_document(state, attempts=(attempt(),), started_at=NOON, **fields)
        await self._database["tasks"].insert_one(document)
        return Task.model_validate(document)

    async def move(self, task: Task, to: State, role: Role) -> Task:
        self._clock.forward(seconds=1)
        store = TaskStore(self._database, self._clock, role)
        assert await store.move([Move(task, to, timedelta(seconds=5))]) == [True]
        document = await self._database["tasks"].find_one({"_id": task.id})
        return Task.model_validate(document)

    async def end(self, task: Task) -> Task:
        return await self.move(await self.move(task, State.REJECTED, Role.ROUTER), State.FAILED, Role.BILLING)

    def waiting(self, task: Task, wait: str = "60") -> asyncio.Task[httpx.Response]:
        return asyncio.create_task(self.client.get(f"/v1/tasks/{task.id}", params={"wait": wait}))

    @asynccontextmanager
    async def events(self, task: Task, last_seen: str | None = None) -> AsyncIterator[AsyncIterator[str]]:
        headers = {} if last_seen is None else {"Last-Event-ID": last_seen}
        async with self.client.stream("GET", f"/v1/tasks/{task.id}/events", headers=headers) as answer:
            assert answer.status_code == 200, await answer.aread()
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield answer.aiter_lines()


def _reading(waiting: Waiting) -> APIRouter:
    router = APIRouter()

    @router.get("/v1/tasks/{task_id}")
    async def read(request: Request, task_id: str) -> Response:
        owner = await whoever_says_so(request)
        task = await waiting.task(request, task_id, owner.account_id)
        if task is None:
            raise NotFound
        return SHOW(task, 200)

    return router


Build = Callable[..., Any]


@pytest.fixture
async def api_of(database: Database, clock: StillClock, running: Start) -> AsyncIterator[Callable[..., Any]]:
    """An api; its bell is rung by nothing but a look every `look_seconds`."""
    async with AsyncExitStack() as stack:

        async def build(
            look_seconds: float = MINUTES,
            heartbeat_seconds: float = MINUTES,
            most: int = 100,
            url: str | None = None,
        ) -> Api:
            tasks = TaskReader(database)
            bell = Bell(tasks, most, look_seconds)
            running(bell.run())
            if url is not None:
                running(Listener(url, "api", ENDINGS, bell.ring).run())
            app = FastAPI(openapi_url=None, redirect_slashes=False)
            app.include_router(_reading(Waiting(tasks, bell)))
            admit = Admission(whoever_says_so, Unlimited())
            app.include_router(event_endpoints(admit, tasks, bell, {"eggapi": status_of}, heartbeat_seconds))
            render_errors(app)
            port = await stack.enter_async_context(serving(RequestFrame(app), "127.0.0.1", 0, "test"))
            client = httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", headers={"Authorization": "Bearer acc_1"}, timeout=70
            )
            await stack.enter_async_context(client)
            return Api(database, clock, bell, client)

        yield build


async def data_of(lines: AsyncIterator[str]) -> list[tuple[int, str]]:
    """The number and status of every event until the stream ends."""
    seen, number = [], -1
    async for line in lines:
        if line.startswith("id: "):
            number = int(line[4:])
        if line.startswith("data: "):
            seen.append((number, json.loads(line[6:])["status"]))
    return seen


@pytest.mark.parametrize("state", [State.COMPLETED, State.FAILED, State.CANCELLED])
async def test_a_final_task_is_not_waited_for(api_of: Build, state: State) -> None:
    api = await api_of()
    task = await api.task(state, outputs=1)

    assert (await api.waiting(task)).json()["data"]["id"] == task.id
    assert api.bell.waiting == 0


async def test_without_wait_nothing_is_waited_for(api_of: Build) -> None:
    api = await api_of()
    task = await api.task()

    for asked in ({}, {"wait": "0"}):
        answer = await api.client.get(f"/v1/tasks/{task.id}", params=asked)
        assert answer.json()["data"]["status"] == "processing"


async def test_when_the_time_is_over_the_task_is_shown_as_it_stands(api_of: Build) -> None:
    api = await api_of()
    answer = await api.waiting(await api.task(), wait="1")

    assert (answer.status_code, answer.json()["data"]["status"]) == (200, "processing")
    assert api.bell.waiting == 0


@pytest.mark.parametrize("wait", ["", "61", "-1", "1.5", "x", "1e1", "\u0663", "9" * 5000])
async def test_a_time_out_of_range_is_malformed(api_of: Build, wait: str) -> None:
    api = await api_of()
    answer = await api.waiting(await api.task(), wait)

    assert answer.status_code == 400
    assert "wait must be a whole number of seconds between 0 and 60" in answer.text


async def test_all_who_wait_hear_of_the_end_from_the_broker(
    api_of: Build, vhost: Vhost, running: Start, eventually: Eventually
) -> None:
    api = await api_of(url=vhost.url)
    publisher = Publisher(vhost.url, "billing")
    running(publisher.run())
    assert await publisher.wait_connected(30)
    task, other = await api.task(), await api.task()
    waiting = [api.waiting(task) for _ in range(5)]
    unconcerned = api.waiting(other, wait="5")
    await eventually(lambda: api.bell.waiting == 6)
    await api.end(task)

    async def heard() -> bool:
        await publisher.publish([Event(EventType.TASK_FAILED, (task.id,))])
        return all(one.done() for one in waiting)

    await eventually(heard)
    assert {(await one).json()["data"]["status"] for one in waiting} == {"failed"}
    assert not unconcerned.done()
    assert (await unconcerned).json()["data"]["status"] == "processing"


async def test_without_a_broker_a_look_finds_the_end(api_of: Build, eventually: Eventually) -> None:
    api = await api_of(look_seconds=0.05)
    task = await api.task()
    waiting = api.waiting(task)
    await eventually(lambda: api.bell.waiting == 1)
    await api.end(task)

    assert (await waiting).json()["data"]["status"] == "failed"


async def test_a_client_that_leaves_leaves_nothing_behind(api_of: Build, eventually: Eventually) -> None:
    api = await api_of()
    task = await api.task()
    waiting = api.waiting(task)
    await eventually(lambda: api.bell.waiting == 1)
    waiting.cancel()
    await eventually(lambda: api.bell.waiting == 0)

    async with api.events(task) as lines:
        await anext(lines)
        assert api.bell.waiting == 1
    await eventually(lambda: api.bell.waiting == 0)


async def test_beyond_the_most_that_may_wait_clients_are_told_to_come_back(
    api_of: Build, eventually: Eventually
) -> None:
    api = await api_of(most=2)
    task = await api.task()
    waiting = [api.waiting(task) for _ in range(2)]
    await eventually(lambda: api.bell.waiting == 2)

    for path in (f"/v1/tasks/{task.id}?wait=1", f"/v1/tasks/{task.id}/events"):
        refused = await api.client.get(path)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert (await api.client.get(f"/v1/tasks/{task.id}")).status_code == 200

    api.bell.close()
    assert {(await one).status_code for one in waiting} == {200}


async def test_a_process_that_ends_keeps_nobody_waiting(api_of: Build, eventually: Eventually) -> None:
    api = await api_of()
    task = await api.task()
    waiting = api.waiting(task)
    async with api.events(task) as lines:
        await eventually(lambda: api.bell.waiting == 2)
        api.bell.close()

        assert await data_of(lines) == [(0, "processing")]
    assert (await waiting).json()["data"]["status"] == "processing"
    assert (await api.waiting(task)).json()["data"]["status"] == "processing"


async def test_another_accounts_task_is_not_waited_for(api_of: Build) -> None:
    api = await api_of()
    task = await api.task(account_id="acc_2")

    assert (await api.waiting(task)).status_code == 404
    assert (await api.client.get(f"/v1/tasks/{task.id}/events")).status_code == 404


async def test_events_tell_a_life_as_it_happens_and_end_with_it(
    api_of: Build, eventually: Eventually
) -> None:
    api = await api_of(look_seconds=0.05)
    task = await api.task(State.QUEUED)
    async with api.events(task) as lines:
        first = [await anext(lines) for _ in range(4)]
        data = {"id": task.id, "status": "pending", "at": "2026-03-14T12:00:00.000Z"}
        assert first == ["id: 0", "event: state", f"data: {json.dumps(data, separators=(',', ':'))}", ""]
        await api.end(task)

        assert await data_of(lines) in ([(2, "failed")], [(1, "processing"), (2, "failed")])


async def test_a_stream_that_broke_off_goes_on_where_it_was(api_of: Build) -> None:
    api = await api_of()
    task = await api.end(await api.task())

    whole = []
    async with api.events(task) as lines:
        whole = await data_of(lines)
    assert whole == [(0, "processing"), (2, "failed")]
    async with api.events(task, last_seen="0") as lines:
        assert await data_of(lines) == [(2, "failed")]

    over = await api.client.get(f"/v1/tasks/{task.id}/events", headers={"Last-Event-ID": "2"})
    assert (over.status_code, over.content) == (204, b"")


@pytest.mark.parametrize("last_seen", ["-1", "abc", "1" * 10, "\u00b2"])
async def test_an_id_that_no_event_has_is_malformed(api_of: Build, last_seen: str) -> None:
    api = await api_of()
    task = await api.task()
    answer = await api.client.get(
        f"/v1/tasks/{task.id}/events", headers={b"Last-Event-ID": last_seen.encode("latin-1", "ignore")}
    )

    assert answer.status_code == 400


async def test_a_quiet_stream_shows_that_it_lives(api_of: Build) -> None:
    api = await api_of(heartbeat_seconds=0.02)
    async with api.events(await api.task()) as lines:
        seen = [await anext(lines) for _ in range(10)]

    assert seen[4:] == [": still here", ""] * 3
