"""How many deliveries are in hand, and whose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from services.notifier.delivery import Delivery
from services.notifier.dispatch import Dispatcher
from services.notifier.pace import PATIENCE_SECONDS, Limits

LIMITS = Limits(quick=4, open=10, in_hand=48, first_share=2, most_share=3)
SOON = timedelta(seconds=5)


class Gate:
    """Receivers that answer when they are told to."""

    def __init__(self) -> None:
        self.under_way: list[str] = []
        self.most = self.answers = 0
        self.done: list[str] = []
        self.recorded = asyncio.Event()
        self.recorded.set()
        self._open: dict[str, asyncio.Event] = {}
        self._finished: dict[str, asyncio.Event] = {}

    def open(self, host: str) -> None:
        self._event(host).set()

    def close(self, host: str) -> None:
        self._event(host).clear()

    async def deliver(self, delivery: Delivery, answered: Callable[[], None]) -> None:
        self.under_way.append(delivery.id)
        self.most = max(self.most, len(self.under_way))
        await self._event(delivery.host).wait()
        self.under_way.remove(delivery.id)
        self.answers += 1
        answered()
        await self.recorded.wait()
        self.done.append(delivery.id)
        self._finished.setdefault(delivery.id, asyncio.Event()).set()

    async def finished(self, delivery_id: str) -> None:
        await self._finished.setdefault(delivery_id, asyncio.Event()).wait()

    def _event(self, host: str) -> asyncio.Event:
        return self._open.setdefault(host, asyncio.Event())


def deliveries(host: str, count: int) -> list[Delivery]:
    until = datetime(2026, 2, 3, tzinfo=UTC)
    return [
        Delivery(f"{host}{index}", "gen_1", "acc_1", f"https://{host}/", host, b"{}", 0, "own_1", until)
        for index in range(count)
    ]


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_hanging_host_leaves_the_sends_of_others_alone() -> None:
    gate = Gate()
    dispatcher = Dispatcher(gate.deliver, LIMITS)
    gate.open("b")

    dispatcher.take([*deliveries("a", 5), *deliveries("b", 5)])
    await turns()

    assert gate.under_way == ["a0", "a1"]
    assert gate.done == ["b0", "b1", "b2", "b3", "b4"]
    gate.open("a")
    await turns()
    assert not gate.under_way


async def test_no_more_is_sent_at_a_time_than_the_limit() -> None:
    gate = Gate()
    dispatcher = Dispatcher(gate.deliver, LIMITS)

    dispatcher.take([one for host in "abcde" for one in deliveries(host, 2)])
    await turns()
    for host in "abcde":
        gate.open(host)
    await turns(100)

    assert gate.most == LIMITS.quick
    assert len(gate.done) == 10
    assert dispatcher.room() == LIMITS.in_hand


async def test_a_hanging_send_makes_room_for_others_after_a_second() -> None:
    gate, time = Gate(), [0.0]
    dispatcher = Dispatcher(gate.deliver, LIMITS, lambda: time[0])
    gate.open("c")

    dispatcher.take([*deliveries("a", 5), *deliveries("b", 5)])
    dispatcher.take(deliveries("c", 5))
    await turns()
    assert gate.under_way == ["a0", "b0", "a1", "b1"]
    assert gate.done == []
    time[0] = PATIENCE_SECONDS
    dispatcher.take(deliveries("d", 1))
    await turns()

    assert gate.under_way == ["a0", "b0", "a1", "b1", "d0"]
    assert gate.done == ["c0", "c1", "c2", "c3", "c4"]
    await dispatcher.finish(timedelta(0))


async def test_the_others_turn_comes_by_itself() -> None:
    gate, time = Gate(), [0.0]
    dispatcher = Dispatcher(gate.deliver, LIMITS, lambda: time[0])
    gate.open("c")
    dispatcher.take([*deliveries("a", 2), *deliveries("b", 2)])
    await turns()

    time[0] = PATIENCE_SECONDS - 0.01
    dispatcher.take(deliveries("c", 1))
    time[0] = PATIENCE_SECONDS
    await gate.finished("c0")

    assert gate.under_way == ["a0", "b0", "a1", "b1"]
    for host in "ab":
        gate.open(host)
    await turns()


async def test_sends_that_hang_are_limited_too() -> None:
    gate, time = Gate(), [0.0]
    dispatcher = Dispatcher(gate.deliver, LIMITS, lambda: time[0])

    for host in "abcdefg":
        dispatcher.take(deliveries(host, 2))
        await turns()
        time[0] += PATIENCE_SECONDS

    assert len(gate.under_way) == LIMITS.open
    await dispatcher.finish(timedelta(0))


async def test_quick_answers_earn_a_host_more_and_slow_ones_cost_it_that() -> None:
    gate, time = Gate(), [0.0]
    dispatcher = Dispatcher(gate.deliver, LIMITS, lambda: time[0])
    gate.open("a")
    dispatcher.take(deliveries("a", 3))
    await turns()
    gate.close("a")

    dispatcher.take(deliveries("a", LIMITS.most_share))
    await turns()
    assert len(gate.under_way) == LIMITS.most_share
    time[0] += PATIENCE_SECONDS
    gate.open("a")
    await turns()
    gate.close("a")
    dispatcher.take(deliveries("a", 5))
    await turns()

    assert len(gate.under_way) == LIMITS.first_share
    await dispatcher.finish(timedelta(0))


async def test_what_is_being_recorded_takes_no_ones_place() -> None:
    gate = Gate()
    dispatcher = Dispatcher(gate.deliver, LIMITS)
    gate.recorded.clear()
    gate.open("a")

    dispatcher.take(deliveries("a", 20))
    await turns(100)

    assert (gate.under_way, gate.done, gate.answers) == ([], [], 20)
    assert dispatcher.room() == LIMITS.in_hand - 20
    gate.recorded.set()
    await turns()
    assert len(gate.done) == 20


async def test_room_is_given_to_the_first_and_within_each_hosts_share() -> None:
    dispatcher = Dispatcher(Gate().deliver, LIMITS)
    dispatcher.take(deliveries("a", 31))

    fits = dispatcher.fits(["a", "a", *["b"] * 20])

    assert fits == [True, False, *[True] * 16, *[False] * 4]
    assert dispatcher.full_hosts() == []
    dispatcher.take(deliveries("a", 32)[31:])
    assert dispatcher.full_hosts() == ["a"]
    await dispatcher.finish(timedelta(0))


async def test_a_slow_host_has_few_in_hand() -> None:
    gate, time = Gate(), [0.0]
    dispatcher = Dispatcher(gate.deliver, LIMITS, lambda: time[0])
    dispatcher.take(deliveries("a", 2))
    await turns()
    time[0] = PATIENCE_SECONDS
    gate.open("a")
    await turns()

    assert dispatcher.fits(["a"] * 10) == [*[True] * 8, *[False] * 2]


async def test_a_newer_claim_replaces_the_one_that_waits() -> None:
    gate = Gate()
    dispatcher = Dispatcher(gate.deliver, LIMITS)
    dispatcher.take(deliveries("a", 4))
    await turns()

    dispatcher.take(deliveries("a", 4)[3:])
    gate.open("a")
    await turns()

    assert gate.done == ["a0", "a1", "a2", "a3"]
    assert dispatcher.room() == LIMITS.in_hand


async def test_finishing_awaits_what_is_under_way_and_gives_back_the_rest() -> None:
    gate = Gate()
    dispatcher = Dispatcher(gate.deliver, LIMITS)
    dispatcher.take(deliveries("a", 3))
    await turns()

    finishing = asyncio.create_task(dispatcher.finish(SOON))
    await turns()
    gate.open("a")
    unfinished = await finishing

    assert gate.done == ["a0", "a1"]
    assert [one.id for one in unfinished] == ["a2"]
    assert dispatcher.room() == 0


async def test_what_is_not_finished_in_time_is_cancelled_and_given_back() -> None:
    gate = Gate()
    dispatcher = Dispatcher(gate.deliver, LIMITS)
    dispatcher.take(deliveries("a", 1))
    await turns()

    unfinished = await dispatcher.finish(timedelta(milliseconds=1))

    assert [one.id for one in unfinished] == ["a0"]
    assert gate.done == []


async def test_a_delivery_that_breaks_off_frees_its_place() -> None:
    async def deliver(_delivery: Delivery, _answered: Callable[[], None]) -> None:
        raise LookupError

    dispatcher = Dispatcher(deliver, LIMITS)

    dispatcher.take(deliveries("a", 5))
    await turns()

    assert dispatcher.room() == LIMITS.in_hand
    assert dispatcher.eased.is_set()
