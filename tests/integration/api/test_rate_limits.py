"""Requests counted in the database: exactly, whatever comes together and from wherever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from pymongo import AsyncMongoClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent
from structlog.testing import capture_logs

from deploy.local.servers import Servers
from services.api.rate_limit import RateLimits, taking
from services.api.rates import Pace, Rate, microseconds, take
from shared.accounts.key import KeyOwner
from shared.mongo import Database, connect
from tests.integration.away import close_in_vain
from tests.unit.building import NOON, StillClock


class Statements(CommandListener):
    """Counts what changes a document."""

    def __init__(self) -> None:
        self.count = 0

    def started(self, event: CommandStartedEvent) -> None:
        self.count += event.command_name == "findAndModify"

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing to count."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing to count."""


@pytest.fixture
def statements() -> Statements:
    return Statements()


@pytest.fixture
async def watched(servers: Servers, database: Database, statements: Statements) -> AsyncIterator[Database]:
    async with AsyncMongoClient(servers.mongo_url, event_listeners=[statements], tz_aware=True) as client:
        yield client[database.name]


def owner(key: str = "key_1", per_minute: int | None = None, account: str = "acc_1") -> KeyOwner:
    return KeyOwner(key, account, suspended=False, requests_per_minute=per_minute)


async def asked(limits: RateLimits, *owners: KeyOwner) -> list[bool]:
    rates = await asyncio.gather(*(limits.take(one) for one in owners))
    return [rate is None or rate.allowed for rate in rates]


async def test_two_hundred_at_once_over_two_processes_admit_exactly_the_burst(
    database: Database, clock: StillClock
) -> None:
    processes = [RateLimits(database, clock, 60) for _ in range(2)]
    answers = await asyncio.gather(*(processes[n % 2].take(owner()) for n in range(200)))
    assert sum(rate is not None and rate.allowed for rate in answers) == 60

    clock.forward(seconds=10)
    assert sum(await asked(processes[0], *[owner()] * 50)) == 10


async def test_sixty_four_at_once_cost_one_statement_and_refused_ones_none(
    watched: Database, statements: Statements, clock: StillClock
) -> None:
    limits = RateLimits(watched, clock, 60)
    assert sum(await asked(limits, *[owner()] * 64)) == 60
    assert statements.count == 1

    assert sum(await asked(limits, *[owner()] * 500)) == 0
    assert statements.count == 1

    clock.forward(seconds=1)
    assert sum(await asked(limits, *[owner()] * 500)) == 1


async def test_every_key_has_its_own_requests_and_may_have_its_own_limit(
    database: Database, clock: StillClock
) -> None:
    limits = RateLimits(database, clock, 5)
    answers = await asked(limits, *[owner("key_1")] * 9, *[owner("key_2")] * 9, *[owner("key_3", 7)] * 9)
    assert [sum(answers[:9]), sum(answers[9:18]), sum(answers[18:])] == [5, 5, 7]


async def test_many_keys_of_one_account_do_not_get_around_its_limit(
    database: Database, clock: StillClock
) -> None:
    processes = [RateLimits(database, clock, 60, 100) for _ in range(2)]
    rates = await asyncio.gather(*(processes[n % 2].take(owner(f"key_{n % 10}")) for n in range(300)))
    assert sum(rate is not None and rate.allowed for rate in rates) == 100
    assert await asked(processes[0], owner("key_a", account="acc_2")) == [True]


async def test_without_a_limit_nothing_is_counted(
    watched: Database, statements: Statements, clock: StillClock
) -> None:
    assert await RateLimits(watched, clock, 0).take(owner()) is None
    assert statements.count == 0


async def test_what_is_left_goes_down_by_one_with_every_request(
    database: Database, clock: StillClock
) -> None:
    limits = RateLimits(database, clock, 60)
    rates: list[Rate | None] = [
        *await asyncio.gather(*(limits.take(owner()) for _ in range(3))),
        await limits.take(owner()),
    ]
    assert [rate.remaining for rate in rates if rate] == [59, 58, 57, 56]
    assert [rate.headers()["x-ratelimit-reset-requests"] for rate in rates if rate] == [
        "1s",
        "2s",
        "3s",
        "4s",
    ]


async def test_the_statement_reckons_as_the_pure_function_does(database: Database) -> None:
    """Also where the division leaves a rest, and far beyond 32 bits."""
    collection = database["rate_limits"]
    for limit in (1, 7, 60, 999, 6000, 60_000_000):
        pace, subject, tat_us, now = Pace.per_minute(limit), f"key:{limit}", 0, NOON
        for step, wanted in enumerate((1, limit, 3, limit // 2 + 1, 500)):
            now += timedelta(milliseconds=step * 777)
            await collection.update_one(
                {"_id": subject}, taking(pace, microseconds(now), wanted), upsert=True
            )
            tat_us = take(pace, tat_us, microseconds(now), wanted).tat_us
            document = await collection.find_one({"_id": subject})
            assert document is not None
            assert (limit, document["tat"]) == (limit, tat_us)


async def test_what_is_remembered_is_forgotten_once_it_means_nothing(database: Database) -> None:
    limits = RateLimits(database, StillClock(), 60)
    await limits.take(owner())

    document = await database["rate_limits"].find_one({"_id": "key:key_1"})
    indexes = await database["rate_limits"].index_information()

    assert document is not None
    assert set(document) == {"_id", "tat", "ends_at"}
    assert any(index.get("expireAfterSeconds") == 0 for index in indexes.values())


async def test_with_the_database_away_everybody_comes_in_and_waits_for_it_once() -> None:
    client = connect("mongodb://127.0.0.1:1/?replicaSet=rs0&serverSelectionTimeoutMS=50")
    limits = RateLimits(client["nowhere"], StillClock(), 1)
    with capture_logs() as lines:
        assert await asked(limits, *[owner()] * 20) == [True] * 20
        assert await asked(limits, *[owner()] * 20) == [True] * 20
    await close_in_vain(client)
    assert [line["event"] for line in lines] == ["requests not counted"]
