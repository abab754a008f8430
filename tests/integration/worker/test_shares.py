"""Workers that divide a provider's limit through a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest
from pymongo.errors import ServerSelectionTimeoutError
from pymongo.results import UpdateResult

from services.worker.division import SILENT_AFTER
from services.worker.shares import Shares
from shared.catalog.model import Limits
from shared.mongo import Database, Document
from tests.integration.conftest import Eventually, Start
from tests.unit.building import StillClock

LIMITS = {"fal": Limits(concurrency=10, requests_per_second=40), "kie": Limits()}


def idle(_: str) -> int:
    return 0


class Crew:
    """Workers by name."""

    def __init__(self, database: Database, clock: StillClock, limits: Mapping[str, Limits] = LIMITS) -> None:
        self._database = database
        self._clock = clock
        self._limits = limits

    def hire(self, owner: str) -> Shares:
        return Shares(self._database, self._clock, owner, self._limits)

    async def stored(self) -> dict[str, tuple[int, float]]:
        document = await self._database["provider_shares"].find_one({"_id": "fal"})
        assert document is not None
        return {owner: (one["concurrency"], one["rate"]) for owner, one in document["workers"].items()}


@pytest.fixture
def crew(database: Database, clock: StillClock) -> Crew:
    return Crew(database, clock)


async def test_before_its_first_renewal_a_worker_takes_nothing_that_is_limited(crew: Crew) -> None:
    alone = crew.hire("own_1")
    assert (alone.concurrency("fal"), alone.concurrency("kie"), alone.concurrency("gemini")) == (
        0,
        None,
        None,
    )
    assert set(alone.pacers) == {"fal"}

    await alone.renew(idle)
    assert alone.concurrency("fal") == 10


async def test_two_workers_come_to_have_half_each_and_never_more_than_all(crew: Crew) -> None:
    first, second = crew.hire("own_1"), crew.hire("own_2")
    await first.renew(idle)
    await second.renew(idle)
    assert (first.concurrency("fal"), second.concurrency("fal")) == (10, 0)

    await first.renew(idle)
    assert (first.concurrency("fal"), second.concurrency("fal")) == (5, 0)

    await second.renew(idle)
    assert (first.concurrency("fal"), second.concurrency("fal")) == (5, 5)
    assert await crew.stored() == {"own_1": (5, 20), "own_2": (5, 20)}


async def test_what_is_in_hand_is_let_go_of_only_when_it_has_ended(crew: Crew) -> None:
    first, second = crew.hire("own_1"), crew.hire("own_2")
    await first.renew(idle)
    await second.renew(idle)
    await first.renew(lambda _: 8)
    await second.renew(idle)
    assert (first.concurrency("fal"), second.concurrency("fal")) == (8, 2)

    await first.renew(lambda _: 5)
    await second.renew(idle)
    assert (first.concurrency("fal"), second.concurrency("fal")) == (5, 5)


async def test_the_part_of_a_worker_that_leaves_is_free_at_once(crew: Crew) -> None:
    first, second = crew.hire("own_1"), crew.hire("own_2")
    for _ in range(2):
        await first.renew(idle)
        await second.renew(idle)
    await first.leave()
    assert await crew.stored() == {"own_2": (5, 20)}

    await second.renew(idle)
    assert second.concurrency("fal") == 10


async def test_the_part_of_a_worker_that_falls_silent_is_free_once_it_takes_nothing_itself(
    crew: Crew, clock: StillClock
) -> None:
    silent, second = crew.hire("own_1"), crew.hire("own_2")
    for _ in range(2):
        await silent.renew(idle)
        await second.renew(idle)
    clock.at += SILENT_AFTER - timedelta(milliseconds=1)
    await second.renew(idle)
    assert (silent.concurrency("fal"), second.concurrency("fal")) == (5, 5)

    clock.at += timedelta(milliseconds=1)
    assert silent.concurrency("fal") == 0
    await second.renew(idle)
    assert second.concurrency("fal") == 10

    await silent.renew(idle)
    assert silent.concurrency("fal") == 0
    await second.renew(idle)
    await silent.renew(idle)
    assert (silent.concurrency("fal"), second.concurrency("fal")) == (5, 5)


async def test_a_crowd_that_renews_at_the_same_time_never_passes_the_limit_and_all_get_something(
    crew: Crew,
) -> None:
    workers = [crew.hire(f"own_{number}") for number in range(8)]
    for _ in range(8):
        await asyncio.gather(*(worker.renew(idle) for worker in workers))
        parts = [worker.concurrency("fal") or 0 for worker in workers]
        assert sum(parts) <= 10
        assert sum(concurrency for concurrency, _ in (await crew.stored()).values()) <= 10
    # In a crowd some may be too late; one after the other none is.
    for _ in range(2):
        for worker in workers:
            await worker.renew(idle)

    assert sorted(worker.concurrency("fal") or 0 for worker in workers) == [1] * 6 + [2] * 2


class Watched:
    """The shares, with an eye on the moment before each change."""

    def __init__(self, database: Database) -> None:
        self._shares = database["provider_shares"]
        self.before_change: Callable[[], None] = lambda: None

    def __getitem__(self, _: str) -> Watched:
        return self

    async def find_one(self, query: Document) -> Document | None:
        return await self._shares.find_one(query)

    async def insert_one(self, document: Document) -> None:
        await self._shares.insert_one(document)

    async def update_one(self, query: Document, update: Document) -> UpdateResult:
        self.before_change()
        return await self._shares.update_one(query, update)


async def test_a_worker_keeps_to_its_smaller_part_before_others_can_read_of_it(
    database: Database, clock: StillClock, crew: Crew
) -> None:
    watched = Watched(database)
    first, second = Shares(watched, clock, "own_1", LIMITS), crew.hire("own_2")
    held: list[int | None] = []
    await first.renew(idle)
    await second.renew(idle)
    watched.before_change = lambda: held.append(first.concurrency("fal"))

    await first.renew(idle)
    assert held == [5]


async def test_what_a_worker_begins_while_it_renews_is_within_what_others_are_left(
    database: Database, clock: StillClock, crew: Crew
) -> None:
    watched = Watched(database)
    first, second = Shares(watched, clock, "own_1", LIMITS), crew.hire("own_2")
    in_hand = 0

    def begin() -> None:
        nonlocal in_hand
        in_hand = max(in_hand, first.concurrency("fal") or 0)

    await first.renew(idle)
    await second.renew(idle)
    watched.before_change = begin
    await first.renew(lambda _: in_hand)
    await second.renew(idle)

    assert (in_hand, second.concurrency("fal")) == (5, 5)


async def test_the_calls_of_a_worker_are_paced_by_its_part_of_the_rate(crew: Crew) -> None:
    first, second = crew.hire("own_1"), crew.hire("own_2")
    await first.renew(idle)
    await asyncio.gather(*(first.pacers["fal"].wait() for _ in range(3)))
    await second.renew(idle)
    waiting = asyncio.create_task(second.pacers["fal"].wait())
    await asyncio.sleep(0.05)
    assert not waiting.done()

    await first.renew(idle)
    await second.renew(idle)
    await waiting


async def test_renewing_goes_on_until_it_is_ended(crew: Crew, running: Start, eventually: Eventually) -> None:
    first, second = crew.hire("own_1"), crew.hire("own_2")
    running(first.keep(idle))
    running(second.keep(idle))

    await eventually(lambda: (first.concurrency("fal"), second.concurrency("fal")) == (5, 5))


class Away:
    """A database that cannot be reached."""

    def __init__(self) -> None:
        self.asked = 0

    def __getitem__(self, _: str) -> Away:
        return self

    async def find_one(self, *_: object) -> None:
        self.asked += 1
        raise ServerSelectionTimeoutError("no server")

    update_one = find_one


async def test_with_the_database_away_a_worker_neither_breaks_nor_takes_anything(
    clock: StillClock, running: Start, eventually: Eventually
) -> None:
    away = Away()
    lonely = Shares(away, clock, "own_1", LIMITS)
    keeping = running(lonely.keep(idle))

    await eventually(lambda: away.asked == 2)
    assert not keeping.done()
    assert lonely.concurrency("fal") == 0

    await lonely.leave()
    assert away.asked == 3


async def test_without_limits_nothing_is_written(database: Database, clock: StillClock) -> None:
    free = Crew(database, clock, {"kie": Limits()}).hire("own_1")
    await free.renew(idle)
    await free.leave()

    assert await database["provider_shares"].count_documents({}) == 0
    assert free.concurrency("kie") is None
