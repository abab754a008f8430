"""Calls to a provider at a rate. Times are compared with each other, never with a limit."""

from __future__ import annotations

import asyncio
import time

from services.worker.pacing import Pacer
from shared.waiting import cancel


class Callers:
    """So many calls that wait for their turn."""

    def __init__(self, pacer: Pacer, count: int) -> None:
        self.order: list[int] = []
        self.times: list[float] = []
        self.tasks = [asyncio.create_task(self._call(pacer, number)) for number in range(count)]

    async def _call(self, pacer: Pacer, number: int) -> None:
        await pacer.wait()
        self.order.append(number)
        self.times.append(time.monotonic())

    @property
    def passed_in(self) -> float:
        return self.times[-1] - self.times[0]


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_calls_pass_in_the_order_in_which_they_came() -> None:
    callers = Callers(Pacer(2_000), 30)
    await asyncio.gather(*callers.tasks)

    assert callers.order == list(range(30))


async def test_calls_pass_no_faster_than_the_rate() -> None:
    callers = Callers(Pacer(200), 21)
    await asyncio.gather(*callers.tasks)

    # Twenty intervals; a wake-up that comes late may only shorten the one after it.
    assert callers.passed_in > 19.5 / 200


async def test_an_idle_time_is_not_saved_up() -> None:
    pacer = Pacer(100)
    await pacer.wait()
    await asyncio.sleep(0.1)
    callers = Callers(pacer, 6)
    await asyncio.gather(*callers.tasks)

    assert callers.passed_in > 4.5 / 100


async def test_without_a_rate_nobody_passes_until_it_changes() -> None:
    pacer = Pacer()
    callers = Callers(pacer, 3)
    await turns()
    assert callers.order == []

    pacer.change(10_000)
    await asyncio.gather(*callers.tasks)
    assert callers.order == [0, 1, 2]


async def test_a_rate_taken_away_at_once_lets_nobody_through() -> None:
    pacer = Pacer()
    callers = Callers(pacer, 2)
    await turns()
    pacer.change(10_000)
    pacer.change(0)
    await turns()
    assert callers.order == []

    pacer.change(10_000)
    await asyncio.gather(*callers.tasks)


async def test_those_who_wait_already_move_at_a_new_higher_rate() -> None:
    pacer = Pacer(1 / 3600)
    await pacer.wait()
    callers = Callers(pacer, 5)
    await turns()

    pacer.change(1_000)
    await asyncio.gather(*callers.tasks)
    assert callers.order == list(range(5))


async def test_those_who_wait_already_move_at_a_new_lower_rate() -> None:
    pacer = Pacer(50)
    callers = Callers(pacer, 50)
    await callers.tasks[0]

    pacer.change(1 / 3600)
    await asyncio.sleep(0.2)

    # At the old rate another ten would have passed.
    assert len(callers.order) <= 2
    await cancel(*callers.tasks)


async def test_a_caller_that_gives_up_leaves_its_turn_to_the_next() -> None:
    pacer = Pacer(1 / 3600)
    await pacer.wait()
    callers = Callers(pacer, 3)
    await turns()
    await cancel(callers.tasks[0])
    pacer.change(1_000)
    await asyncio.gather(*callers.tasks[1:])

    assert callers.order == [1, 2]


async def test_a_pacer_is_behind_once_more_than_a_seconds_calls_wait() -> None:
    pacer = Pacer(3)
    callers = Callers(pacer, 4)
    await turns()
    # One has passed at once, three wait.
    assert not pacer.behind

    more = Callers(pacer, 1)
    await turns()
    assert pacer.behind
    await cancel(*callers.tasks, *more.tasks)
    assert not pacer.behind
