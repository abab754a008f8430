"""What processes learn of routes and keys, and tell each other through a real database."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.catalog.model import BreakerSettings, Catalog, ProviderEntry
from shared.key_register import KeyRegister
from shared.mongo import Database
from shared.providers.base import Failed
from shared.providers.errors import ErrorClass
from shared.route_health import RouteHealth
from shared.routing.breaker import CLOSED, PROBE_TIME, Breaker, BreakerState
from shared.routing.health import Health
from shared.routing.rests import BREAKS, WORKS
from shared.tasks.model import Attempt
from tests.unit.building import NOON, StillClock, attempt

ROUTE = "fal:banana"
KEYS = {"fal": ("fal-1", "fal-2")}
BREAKER = BreakerSettings(failures=3, window_seconds=60, rest_seconds=15, most_seconds=100)
CATALOG = Catalog(providers={"fal": ProviderEntry(breaker=BREAKER)}, models={})
BROKEN = Failed(ErrorClass.TRANSIENT, "502")


class Processes:
    """Several processes over one database."""

    def __init__(self, database: Database, clock: StillClock) -> None:
        self._database = database
        self._clock = clock
        self._failed = 0

    def start(self) -> RouteHealth:
        return RouteHealth(self._database, self._clock, CATALOG)

    async def fresh(self) -> Health:
        """As a process reads it that has just begun."""
        return await self.start().snapshot()

    async def breaker(self) -> Breaker:
        return (await self.fresh()).breakers.get(ROUTE, CLOSED)

    def attempt(self, **fields: Any) -> Attempt:
        facts = {"key_id": "fal-1", "dispatched_at": self._clock.now(), **fields}
        return attempt(ROUTE, **facts)

    async def fail(self, health: RouteHealth, failure: Failed = BROKEN, **fields: Any) -> None:
        """Another task's attempt fails now."""
        self._failed += 1
        await health.failed(f"gen_{self._failed}", self.attempt(**fields), failure)

    async def open(self, health: RouteHealth) -> datetime:
        for _ in range(BREAKER.failures):
            await self.fail(health)
        until = (await self.breaker()).open_until
        assert until is not None
        return until


@pytest.fixture
def processes(database: Database, clock: StillClock) -> Processes:
    return Processes(database, clock)


@pytest.fixture
def health(processes: Processes) -> RouteHealth:
    return processes.start()


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


@pytest.mark.parametrize(
    ("failure", "subject", "length"),
    [
        (Failed(ErrorClass.RATE_LIMIT, "slow"), f"key:fal-1 on route:{ROUTE}", seconds(5)),
        (Failed(ErrorClass.RATE_LIMIT, "slow", seconds(42)), f"key:fal-1 on route:{ROUTE}", seconds(42)),
        (Failed(ErrorClass.QUOTA, "no money"), "key:fal-1", timedelta(minutes=5)),
        (Failed(ErrorClass.CREDENTIAL, "who are you"), "key:fal-1", timedelta(minutes=5)),
        (Failed(ErrorClass.MODEL_GONE, "gone"), f"route:{ROUTE}", timedelta(minutes=10)),
    ],
)
async def test_a_rest_is_known_at_once_here_and_to_every_process_that_reads(
    processes: Processes, health: RouteHealth, failure: Failed, subject: str, length: timedelta
) -> None:
    await health.snapshot()
    await processes.fail(health, failure)

    for known in (await health.snapshot(), await processes.fresh()):
        assert {name: (rest.until, rest.reason) for name, rest in known.rests.items()} == {
            subject: (NOON + length, failure.error_class.value)
        }
        assert known.breakers == {}


async def test_a_rest_ends_by_itself(processes: Processes, health: RouteHealth, clock: StillClock) -> None:
    await processes.fail(health, Failed(ErrorClass.RATE_LIMIT, "slow"))
    clock.forward(seconds=5)

    assert (await processes.fresh()).rests == {}


async def test_of_two_rests_the_one_that_lasts_longer_stays(processes: Processes) -> None:
    await processes.fail(processes.start(), Failed(ErrorClass.RATE_LIMIT, "slow", seconds(60)))
    await processes.fail(processes.start(), Failed(ErrorClass.RATE_LIMIT, "slow", seconds(1)))

    (rest,) = (await processes.fresh()).rests.values()
    assert rest.until == NOON + seconds(60)


@pytest.mark.parametrize(
    "error_class", sorted(set(ErrorClass) - BREAKS - {"rate_limit", "quota", "credential", "model_gone"})
)
async def test_what_says_nothing_against_a_route_writes_nothing(
    database: Database, processes: Processes, health: RouteHealth, error_class: ErrorClass
) -> None:
    for _ in range(BREAKER.failures + 1):
        await processes.fail(health, Failed(error_class, "no"))
    await health.works(ROUTE)

    assert await database["health"].count_documents({}) == 0


async def test_what_was_read_is_kept_for_a_while(processes: Processes, health: RouteHealth) -> None:
    assert (await health.snapshot()).rests == {}
    await processes.fail(processes.start(), Failed(ErrorClass.QUOTA, "no money"))

    assert (await health.snapshot()).rests == {}


async def test_what_was_read_before_a_given_time_is_read_again(
    processes: Processes, health: RouteHealth, clock: StillClock
) -> None:
    await health.snapshot()
    await processes.fail(processes.start(), Failed(ErrorClass.QUOTA, "no money"))

    # The clock stands still: what happens now is no older than the reading.
    assert (await health.snapshot(at_least=clock.now() - timedelta(hours=1))).rests == {}
    assert list((await health.snapshot(at_least=clock.now())).rests) == ["key:fal-1"]


async def test_a_breaker_opens_after_so_many_failures_without_a_success_between(
    processes: Processes, health: RouteHealth
) -> None:
    for _ in range(BREAKER.failures - 1):
        await processes.fail(health)
    assert await processes.breaker() == CLOSED

    await processes.fail(health)
    for known in (await health.snapshot(), await processes.fresh()):
        assert known.breakers == {ROUTE: Breaker(open_until=NOON + seconds(15), trips=1)}


@pytest.mark.parametrize("error_class", sorted(BREAKS))
async def test_every_failure_of_a_broken_route_counts(
    processes: Processes, health: RouteHealth, error_class: ErrorClass
) -> None:
    for _ in range(BREAKER.failures):
        await processes.fail(health, Failed(error_class, "no"))

    assert (await processes.breaker()).trips == 1


@pytest.mark.parametrize("sign", ["a success", *sorted(WORKS)])
async def test_a_sign_of_life_sets_the_count_back(
    processes: Processes, health: RouteHealth, sign: str
) -> None:
    for _ in range(2):
        for _ in range(BREAKER.failures - 1):
            await processes.fail(health)
        if sign == "a success":
            await health.works(ROUTE)
        else:
            await processes.fail(health, Failed(ErrorClass(sign), "no"))

    assert await processes.breaker() == CLOSED


async def test_failures_that_are_far_apart_open_nothing(
    processes: Processes, health: RouteHealth, clock: StillClock
) -> None:
    for _ in range(BREAKER.failures * 2):
        await processes.fail(health)
        clock.forward(seconds=BREAKER.window_seconds)

    assert await processes.breaker() == CLOSED


async def test_one_failure_reported_twice_counts_once(processes: Processes, health: RouteHealth) -> None:
    for _ in range(BREAKER.failures):
        await health.failed("gen_1", processes.attempt(), BROKEN)

    assert await processes.breaker() == CLOSED


async def test_half_open_exactly_one_of_two_processes_may_try(
    processes: Processes, health: RouteHealth, clock: StillClock
) -> None:
    until = await processes.open(health)
    routers = [processes.start() for _ in range(2)]
    for router in routers:
        await router.snapshot()
    assert await asyncio.gather(*(router.claim_probe(ROUTE) for router in routers)) == [False, False]

    clock.at = until
    readers = [processes.start() for _ in range(2)]
    for router in readers:
        known = await router.snapshot()
        assert known.breakers[ROUTE].state(clock.now()) is BreakerState.HALF_OPEN
        assert known.breakers[ROUTE].needs_probe(clock.now())

    claims = await asyncio.gather(*(router.claim_probe(ROUTE) for router in readers))
    assert sorted(claims) == [False, True]
    for router in readers:
        # Who has lost knows as well that somebody is trying.
        breaker = (await router.snapshot()).breakers[ROUTE]
        assert not breaker.needs_probe(clock.now())
        assert breaker.usable_at(clock.now()) == until + PROBE_TIME
    assert await readers[0].claim_probe(ROUTE) is False


async def test_a_probe_without_an_outcome_makes_room_for_another(
    processes: Processes, health: RouteHealth, clock: StillClock
) -> None:
    clock.at = await processes.open(health)
    assert await health.claim_probe(ROUTE)
    clock.forward(seconds=PROBE_TIME.total_seconds() - 1)
    assert not await processes.start().claim_probe(ROUTE)

    clock.forward(seconds=1)
    assert await processes.start().claim_probe(ROUTE)


async def test_a_probe_that_works_closes_the_breaker_for_all(
    database: Database, processes: Processes, health: RouteHealth, clock: StillClock
) -> None:
    clock.at = await processes.open(health)
    assert await health.claim_probe(ROUTE)
    worker = processes.start()
    await worker.snapshot()
    await worker.works(ROUTE)

    assert (await worker.snapshot()).breakers == {}
    assert await processes.breaker() == CLOSED
    assert await database["health"].find_one({"_id": f"route:{ROUTE}"}) == {"_id": f"route:{ROUTE}"}


async def test_each_probe_that_fails_doubles_the_rest_up_to_its_most(
    processes: Processes, health: RouteHealth, clock: StillClock
) -> None:
    clock.at = await processes.open(health)
    rests = []
    for _ in range(4):
        router, worker = processes.start(), processes.start()
        await router.snapshot()
        assert await router.claim_probe(ROUTE)
        await worker.snapshot()
        await processes.fail(worker)
        breaker = await processes.breaker()
        assert breaker.open_until is not None
        assert breaker.probe_until is None
        rests.append((breaker.open_until - clock.now()).total_seconds())
        clock.at = breaker.open_until

    assert rests == [30, 60, 100, 100]


async def test_after_a_success_the_rest_is_short_again(
    processes: Processes, health: RouteHealth, clock: StillClock
) -> None:
    clock.at = await processes.open(health)
    await processes.fail(health)
    await health.works(ROUTE)

    assert await processes.open(health) == clock.now() + seconds(15)


@pytest.mark.parametrize(
    "error_class",
    [ErrorClass.TRANSIENT, ErrorClass.CANCELLED, ErrorClass.RATE_LIMIT, ErrorClass.DEADLINE],
)
async def test_stragglers_say_nothing_about_an_open_breaker_or_its_probe(
    processes: Processes, health: RouteHealth, clock: StillClock, error_class: ErrorClass
) -> None:
    set_out = clock.now()
    clock.at = await processes.open(health)
    assert await health.claim_probe(ROUTE)
    before = await processes.breaker()
    clock.forward(seconds=1)
    for _ in range(BREAKER.failures + 1):
        await processes.fail(health, Failed(error_class, "no"), dispatched_at=set_out)

    assert await processes.breaker() == before


@pytest.mark.parametrize("error_class", [ErrorClass.CANCELLED, ErrorClass.RATE_LIMIT, ErrorClass.QUOTA])
async def test_a_probe_that_finds_nothing_out_leaves_it_to_the_next_task(
    processes: Processes, health: RouteHealth, clock: StillClock, error_class: ErrorClass
) -> None:
    clock.at = await processes.open(health)
    assert await health.claim_probe(ROUTE)
    await processes.fail(health, Failed(error_class, "no"))

    assert (await processes.breaker()).needs_probe(clock.now())
    assert (await health.snapshot()).breakers[ROUTE].needs_probe(clock.now())
    assert await processes.start().claim_probe(ROUTE)


async def test_a_rest_and_an_open_breaker_of_one_route_stand_side_by_side(
    processes: Processes, health: RouteHealth
) -> None:
    until = await processes.open(health)
    await processes.fail(processes.start(), Failed(ErrorClass.MODEL_GONE, "gone"))

    known = await processes.fresh()
    assert known.breakers[ROUTE].open_until == until
    assert known.rests[f"route:{ROUTE}"].until == NOON + timedelta(minutes=10)


async def test_two_processes_that_open_the_same_breaker_agree(processes: Processes) -> None:
    workers = [processes.start() for _ in range(2)]
    await asyncio.gather(*(processes.open(worker) for worker in workers))

    readings = [(await worker.snapshot(at_least=NOON)).breakers for worker in workers]
    assert readings[0] == readings[1] == {ROUTE: Breaker(open_until=NOON + seconds(15), trips=1)}


async def test_the_keys_that_workers_have_named_are_part_of_what_is_known(
    database: Database, clock: StillClock, health: RouteHealth
) -> None:
    await KeyRegister(database, clock).say(KEYS)

    known = await health.snapshot()
    assert (known.keys_of("fal"), known.keys_of("kie")) == (KEYS["fal"], ())
