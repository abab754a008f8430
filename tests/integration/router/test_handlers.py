"""What the router makes of tasks, with a real database and a small catalog."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.router.handlers import LOOK_AGAIN, NO_WORKER_WAIT, RouterHandlers
from shared.catalog.model import BreakerSettings, Catalog, ModelEntry, ProviderEntry, Route
from shared.catalog.prices import ImagePrice
from shared.key_register import KeyRegister
from shared.killpoints import KillPoints
from shared.mongo import Database
from shared.providers.base import Failed
from shared.providers.capabilities import Kind
from shared.providers.errors import ErrorClass
from shared.route_health import RouteHealth
from shared.routing.breaker import PROBE_TIME
from shared.tasks.lifecycle import Role, State
from shared.tasks.model import Task, Waiting
from tests.integration.recording import Bell, tools_with
from tests.unit.building import NOON, StillClock, attempt, task_document

ROUTE = "fal:banana"
BREAKER = BreakerSettings(failures=1, rest_seconds=15)
KEYS = {"fal": ("fal-1",), "replicate": ("replicate-1",)}


def model(*providers: str) -> ModelEntry:
    chain = tuple(Route(provider=provider, generate="banana") for provider in providers)
    return ModelEntry(kind=Kind.IMAGE, price=ImagePrice(per="image", usd="0.01"), chain=chain)


CATALOG = Catalog(
    providers={name: ProviderEntry(breaker=BREAKER) for name in KEYS},
    models={"alone": model("fal"), "pair": model("fal", "replicate")},
)


class Router:
    """The handlers of one router, and the tasks they are given."""

    def __init__(self, database: Database, clock: StillClock) -> None:
        self.bell = Bell()
        self.health = RouteHealth(database, clock, CATALOG)
        self._database = database
        self._tools = tools_with(self.bell, database, clock, Role.ROUTER)
        self._handlers = RouterHandlers(self._tools, CATALOG, self.health, clock, KillPoints())

    async def take(self, *documents: dict[str, Any]) -> list[Task]:
        """The tasks after the handlers of their state have had them in one batch."""
        await self._tools.store.insert(documents)
        tasks = [Task.model_validate(document) for document in documents]
        await self._handlers.routes()[tasks[0].state](tasks)
        return [await self.read(task.id) for task in tasks]

    async def again(self, task: Task) -> Task:
        await self._handlers.routes()[task.state]([task])
        return await self.read(task.id)

    async def read(self, task_id: str) -> Task:
        return Task.model_validate(await self._database["tasks"].find_one({"_id": task_id}))


@pytest.fixture
async def router(database: Database, clock: StillClock) -> Router:
    await KeyRegister(database, clock).say(KEYS)
    return Router(database, clock)


def queued(model_id: str = "alone", **fields: Any) -> dict[str, Any]:
    return task_document(**{"model": model_id, "wake_at": NOON, **fields})


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


async def fail(router: Router, error_class: ErrorClass, retry_after: timedelta | None = None) -> None:
    """An earlier task of somebody else failed on fal."""
    failed = attempt(ROUTE, key_id="fal-1", dispatched_at=NOON)
    await router.health.failed("gen_earlier", failed, Failed(error_class, "no", retry_after))


async def test_a_queued_task_is_dispatched_and_its_workers_told(router: Router) -> None:
    (task,) = await router.take(queued())

    assert (task.state, task.provider, task.attempt.route) == (State.DISPATCHED, "fal", ROUTE)
    assert router.bell.told_of("attempt.dispatched") == [task.id]


async def test_a_task_whose_only_route_rests_waits_and_says_why(router: Router) -> None:
    await fail(router, ErrorClass.RATE_LIMIT, seconds(42))
    (task,) = await router.take(queued())

    assert (task.state, task.version, task.attempts) == (State.QUEUED, 0, ())
    # The time is told in full; meanwhile somebody looks whether it has become shorter.
    assert task.wake_at == NOON + LOOK_AGAIN
    assert task.waiting == Waiting(until=NOON + seconds(42), reason="rate_limit")
    assert router.bell.rung == []


async def test_a_task_that_has_waited_goes_on_and_waits_for_nothing_more(
    router: Router, clock: StillClock
) -> None:
    await fail(router, ErrorClass.RATE_LIMIT, seconds(42))
    (task,) = await router.take(queued())
    clock.forward(seconds=42)

    now = await router.again(task)
    assert (now.state, now.waiting) == (State.DISPATCHED, None)


async def test_no_wait_outlasts_the_deadline(router: Router) -> None:
    await fail(router, ErrorClass.QUOTA)
    (task,) = await router.take(queued(deadline_at=NOON + seconds(20)))

    assert task.wake_at == NOON + seconds(20)


async def test_another_route_is_taken_while_the_first_rests(router: Router) -> None:
    await fail(router, ErrorClass.QUOTA)
    (task,) = await router.take(queued("pair"))

    assert task.attempt.route == "replicate:banana"


async def test_what_another_process_has_just_learnt_is_known_before_the_next_route_is_chosen(
    router: Router, database: Database, clock: StillClock
) -> None:
    await router.health.snapshot()
    worker = RouteHealth(database, clock, CATALOG)
    ended = attempt(ROUTE, ErrorClass.RATE_LIMIT, key_id="fal-1")
    await worker.failed("gen_1", ended, Failed(ErrorClass.RATE_LIMIT, "slow", seconds(42)))

    (task,) = await router.take(queued(state=State.ATTEMPT_FAILED, attempts=(ended,)))
    assert task.waiting == Waiting(until=NOON + seconds(42), reason="rate_limit")


async def test_a_task_that_nobody_can_serve_is_rejected(router: Router) -> None:
    (task,) = await router.take(queued("gone from the catalog"))

    assert task.state is State.REJECTED
    assert task.failure is not None
    assert task.failure.error_class is ErrorClass.PROVIDER_NOT_CONFIGURED
    assert router.bell.told_of("task.rejected") == [task.id]


async def test_of_a_batch_one_task_tries_a_half_open_route(
    router: Router, database: Database, clock: StillClock
) -> None:
    await fail(router, ErrorClass.TRANSIENT)
    clock.forward(seconds=15)
    tasks = await router.take(*(queued() for _ in range(5)))

    assert sorted(task.state for task in tasks) == [State.DISPATCHED, *[State.QUEUED] * 4]
    until = clock.now() + PROBE_TIME
    waits = [task.waiting for task in tasks if task.state is State.QUEUED]
    assert waits == [Waiting(until=until, reason="breaker half-open")] * 4


async def test_while_one_task_tries_a_route_the_others_take_the_next(
    router: Router, clock: StillClock
) -> None:
    await fail(router, ErrorClass.TRANSIENT)
    clock.forward(seconds=15)
    tasks = await router.take(*(queued("pair") for _ in range(5)))

    assert sorted(task.attempt.provider for task in tasks) == ["fal", *["replicate"] * 4]


async def test_a_second_router_does_not_try_what_the_first_is_trying(
    router: Router, database: Database, clock: StillClock
) -> None:
    await fail(router, ErrorClass.TRANSIENT)
    clock.forward(seconds=15)
    other = Router(database, clock)
    # It has read that the route may be tried, and the first router is faster.
    assert (await other.health.snapshot()).breakers[ROUTE].needs_probe(clock.now())
    (first,) = await router.take(queued())

    (second,) = await other.take(queued())
    assert (first.state, second.state) == (State.DISPATCHED, State.QUEUED)


async def test_a_cancelled_task_is_rejected_wherever_the_router_meets_it(router: Router) -> None:
    for state in (State.QUEUED, State.ATTEMPT_FAILED, State.DISPATCHED):
        attempts = () if state is State.QUEUED else (attempt(ROUTE, ErrorClass.TRANSIENT),)
        (task,) = await router.take(queued(state=state, attempts=attempts, cancel_requested_at=NOON))

        assert task.state is State.REJECTED
        assert task.failure is not None
        assert task.failure.error_class is ErrorClass.CANCELLED


async def test_of_dispatched_tasks_the_cancelled_ones_are_taken_back_and_the_others_announced_again(
    router: Router,
) -> None:
    document = queued(state=State.DISPATCHED, attempts=(attempt(ROUTE),))
    unwanted = queued(state=State.DISPATCHED, attempts=(attempt(ROUTE),), cancel_requested_at=NOON)
    waiting, cancelled = await router.take(document, unwanted)

    assert (waiting.state, waiting.version) == (State.DISPATCHED, 0)
    assert cancelled.state is State.REJECTED
    assert router.bell.told_of("attempt.dispatched") == [waiting.id]
    assert [event.topic for event in router.bell.rung if event.subjects == (waiting.id,)] == ["fal"]
    assert router.bell.told_of("task.rejected") == [cancelled.id]


async def test_a_dispatched_task_that_a_worker_has_claimed_meanwhile_stays_with_it(
    router: Router, database: Database
) -> None:
    document = queued(state=State.DISPATCHED, attempts=(attempt(ROUTE),))
    (task,) = await router.take(document)
    await database["tasks"].update_one(
        {"_id": task.id}, {"$set": {"state": "submitting"}, "$inc": {"version": 1}}
    )

    unwanted = task.model_copy(update={"cancel_requested_at": NOON})
    assert (await router.again(unwanted)).state is State.SUBMITTING


async def test_before_any_worker_has_come_up_tasks_wait(database: Database, clock: StillClock) -> None:
    (task,) = await Router(database, clock).take(queued())

    assert (task.state, task.wake_at) == (State.QUEUED, NOON + NO_WORKER_WAIT)


@pytest.mark.parametrize(
    ("fields", "error_class"),
    [
        ({"cancel_requested_at": NOON}, ErrorClass.CANCELLED),
        ({"deadline_at": NOON}, ErrorClass.DEADLINE),
    ],
)
async def test_without_any_worker_a_task_can_still_be_cancelled_and_time_out(
    database: Database, clock: StillClock, fields: dict[str, datetime], error_class: ErrorClass
) -> None:
    (task,) = await Router(database, clock).take(queued(**fields))

    assert task.state is State.REJECTED
    assert task.failure is not None
    assert task.failure.error_class is error_class
