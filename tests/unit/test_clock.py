"""The database's clock, as a process carries it between reads."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from pymongo import AsyncMongoClient

from shared.clock import STANDS_STILL, DatabaseClock
from shared.mongo import Document
from tests.unit.building import NOON


class Server:
    """Says what time it is."""

    def __init__(self) -> None:
        self.time = NOON
        self.admin = self

    async def command(self, name: str) -> dict[str, datetime]:
        assert name == "hello"
        return {"localTime": self.time}


async def read(clock: DatabaseClock, server: Server) -> datetime:
    await clock.read(cast(AsyncMongoClient[Document], cast(Any, server)))
    return clock.now()


@pytest.mark.parametrize("milliseconds", [1, 20, 900])
async def test_a_small_correction_makes_it_stand_still_and_never_go_back(milliseconds: int) -> None:
    clock, server = DatabaseClock(), Server()
    before = await read(clock, server)

    server.time -= timedelta(milliseconds=milliseconds)
    after = [await read(clock, server) for _ in range(20)]

    assert after == sorted(after)
    assert after[0] >= before


async def test_a_server_that_was_set_back_is_followed() -> None:
    clock, server = DatabaseClock(), Server()
    await read(clock, server)

    server.time -= timedelta(hours=1)

    assert await read(clock, server) < NOON - timedelta(minutes=30)


async def test_it_goes_on_from_the_servers_time() -> None:
    clock, server = DatabaseClock(), Server()
    for later in (timedelta(0), timedelta(milliseconds=3), timedelta(days=1)):
        server.time = NOON + later
        told = await read(clock, server)
        assert server.time - STANDS_STILL < told < server.time + timedelta(minutes=1)
        assert told.microsecond % 1000 == 0
