"""Work that is done again and again."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from pymongo.errors import AutoReconnect
from structlog.testing import capture_logs

from shared.rounds import repeat

NEVER = timedelta(hours=1)


class Enough(Exception):
    """Ends the rounds."""


class Work:
    """Fails as told, once each, and stops the rounds after so many."""

    def __init__(self, *failures: Exception, rounds: int = 3) -> None:
        self._failures = list(failures)
        self.left = rounds
        self.bell = asyncio.Event()

    async def __call__(self) -> None:
        self.left -= 1
        if self._failures:
            raise self._failures.pop()
        if not self.left:
            raise Enough


async def test_it_is_done_after_each_pause() -> None:
    work = Work()
    with pytest.raises(Enough):
        await repeat("work", work, timedelta(milliseconds=1))
    assert work.left == 0


async def test_a_bell_ends_the_pause_once() -> None:
    work = Work(rounds=2)
    work.bell.set()
    going_on = asyncio.create_task(repeat("work", work, NEVER, work.bell))
    for _ in range(5):
        await asyncio.sleep(0)
    assert (work.left, work.bell.is_set(), going_on.done()) == (1, False, False)
    going_on.cancel()
    await asyncio.wait([going_on])


async def test_a_database_that_is_away_costs_a_round_and_no_more() -> None:
    work = Work(AutoReconnect("gone"))
    with capture_logs() as logs, pytest.raises(Enough):
        await repeat("work", work, timedelta(milliseconds=1))
    assert work.left == 0
    assert [(one["event"], one["work"], one["reason"]) for one in logs] == [
        ("round postponed", "work", "AutoReconnect")
    ]


async def test_what_is_broken_is_raised() -> None:
    with pytest.raises(KeyError):
        await repeat("work", Work(KeyError("broken")), timedelta(milliseconds=1))
