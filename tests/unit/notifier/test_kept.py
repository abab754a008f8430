"""What attempts read again and again is read once in five seconds."""

from __future__ import annotations

import asyncio

import pytest

from services.notifier.kept import KEPT_FOR, Kept


class Source:
    """Gives how often it was asked, once it may."""

    def __init__(self) -> None:
        self.reads = 0
        self.allowed = asyncio.Event()
        self.allowed.set()
        self.broken = False
        self.time = 0.0

    async def read(self, key: str) -> str:
        self.reads += 1
        answer = f"{key}{self.reads}"
        await self.allowed.wait()
        if self.broken:
            raise LookupError(key)
        return answer

    def monotonic(self) -> float:
        return self.time

    def kept(self) -> Kept[str, str]:
        return Kept(self.read, self.monotonic)


async def test_many_at_once_share_one_reading() -> None:
    source = Source()
    kept = source.kept()

    assert await asyncio.gather(*(kept.get("a") for _ in range(10))) == ["a1"] * 10
    assert await kept.get("a") == "a1"
    assert await kept.get("b") == "b2"


async def test_after_five_seconds_it_is_read_again() -> None:
    source = Source()
    kept = source.kept()
    await kept.get("a")

    source.time = KEPT_FOR.total_seconds() - 0.1
    assert await kept.get("a") == "a1"
    source.time = KEPT_FOR.total_seconds()
    assert await kept.get("a") == "a2"


async def test_what_may_have_changed_meanwhile_is_read_again() -> None:
    source = Source()
    kept = source.kept()
    source.allowed.clear()
    first = asyncio.create_task(kept.get("a"))
    await asyncio.sleep(0)

    kept.forget("a")
    second = asyncio.create_task(kept.get("a"))
    await asyncio.sleep(0)
    source.allowed.set()

    assert (await first, await second) == ("a1", "a2")
    assert await kept.get("a") == "a2"


async def test_an_error_reaches_all_that_wait_and_is_not_kept() -> None:
    source = Source()
    kept = source.kept()
    source.broken = True

    found = await asyncio.gather(*(kept.get("a") for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in found] == [LookupError] * 3
    assert source.reads == 1
    source.broken = False

    assert await kept.get("a") == "a2"


async def test_who_stops_waiting_stops_nobody_else() -> None:
    source = Source()
    kept = source.kept()
    source.allowed.clear()
    first, second = (asyncio.create_task(kept.get("a")) for _ in range(2))
    await asyncio.sleep(0)

    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    source.allowed.set()

    assert await second == "a1"
