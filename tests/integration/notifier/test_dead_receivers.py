"""A fifth of the receivers is dead, and the others notice nothing."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import pytest

from shared.mongo import Database
from tests.integration.notifier.receiver import Receiver, receiving
from tests.integration.notifier.rig import Rig, open_rig

RECEIVERS, DELIVERIES = 20, 1000
EACH = DELIVERIES // RECEIVERS
DEAD = RECEIVERS // 5
FEW = 5.0
"""Times as long. Without a limit to what a dead receiver may hold it would be more than ten."""


@asynccontextmanager
async def living(count: int) -> AsyncIterator[list[Receiver]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(receiving()) for _ in range(count)]


@contextmanager
def nobody() -> Iterator[str]:
    """An address that refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/"


async def seconds_until_all_have_theirs(
    rig: Rig, receivers: Sequence[Receiver], dead: Sequence[str]
) -> float:
    """From the end of all tasks at once to the last delivery at one of these receivers."""
    urls = [*(receiver.url for receiver in receivers), *dead]
    tasks = [await rig.end_task(urls[number % len(urls)]) for number in range(DELIVERIES)]
    began = time.monotonic()
    for start in range(0, len(tasks), 100):
        await rig.notify(*tasks[start : start + 100])
    while any(len(receiver.received) < EACH for receiver in receivers):
        await rig.notifier.retries.sweep()
        await asyncio.sleep(0.02)
    return time.monotonic() - began


@pytest.mark.parametrize("hangs", [DEAD - 2, DEAD])
async def test_the_living_have_theirs_while_dead_receivers_hang_refuse_and_fail(
    database: Database, hangs: int
) -> None:
    async with open_rig(database) as rig, living(RECEIVERS) as receivers:
        alone = await seconds_until_all_have_theirs(rig, receivers, [])
    assert await database["deliveries"].count_documents({"state": "delivered"}) == DELIVERIES
    await database["deliveries"].delete_many({})

    async with (
        open_rig(database) as rig,
        living(RECEIVERS - DEAD) as receivers,
        living(hangs) as hanging,
        receiving(500) as failing,
    ):
        for receiver in hanging:
            receiver.released.clear()
        with nobody() as refusing:
            dead = [*(receiver.url for receiver in hanging), failing.url, refusing][:DEAD]
            beside = await seconds_until_all_have_theirs(rig, receivers, dead)
        # None of those that hang has been given up waiting for.
        still = await database["deliveries"].count_documents(
            {"url": {"$in": [receiver.url for receiver in hanging]}, "state": "pending", "attempts": []}
        )
        for receiver in hanging:
            receiver.released.set()
        await rig.finish()

    assert still == hangs * EACH
    assert [len(receiver.received) for receiver in receivers] == [EACH] * (RECEIVERS - DEAD)
    assert beside / alone < FEW
