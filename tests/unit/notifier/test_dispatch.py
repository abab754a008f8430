"""How many deliveries are in hand, and whose."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from services.notifier.delivery import Delivery
from services.notifier.dispatch import Dispatcher, Limits

LIMITS = Limits(sends=4, in_hand=12, sends_per_host=2, in_hand_per_host=5)
SOON = timedelta(seconds=5)


class Gate:
    """Receivers that answer when they are told to."""

    def __init__(self) -> None:
        self.under_way: list[str] = []
        self.most = 0
        self.done: list[str] = []
        self._open: dict[str, asyncio.Event] = {}

    def open(self, host: str) -> None:
        self._event(host).set()

    async def deliver(self, delivery: Delivery) -> None:
        self.under_way.append(delivery.id)
        self.most = max(self.most, len(self.under_way))
        await self._event(delivery.host).wait()
        self.under_way.remove(delivery.id)
        self.done.append(delivery.id)

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
    assert dispatcher.full_hosts() == ["a"]
    gate.open("a")
    await turns()
    assert not gate.under_way
    assert dispatcher.full_hosts() == []


async def test_no_more_is_sent_at_a_time_than_the_limit() -> None:
    gate = Gate()
    dispatcher = Dispatcher(gate.deliver, LIMITS)

    dispatcher.take([one for host in "abcde" for one in deliveries(host, 2)])
    await turns()
    for host in "abcde":
        gate.open(host)
    await turns(100)

    assert gate.most == LIMITS.sends
    assert len(gate.done) == 10
    assert dispatcher.room() == LIMITS.in_hand


async def test_room_is_given_to_the_first_and_within_each_hosts_share() -> None:
    dispatcher = Dispatcher(Gate().deliver, LIMITS)
    dispatcher.take(deliveries("a", 4))

    fits = dispatcher.fits(["a", "a", *"bbbbbb", "c", "d", "e"])

    assert fits == [True, False, True, True, True, True, True, False, True, True, False]
    await dispatcher.finish(timedelta(0))


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
    async def deliver(_delivery: Delivery) -> None:
        raise LookupError

    dispatcher = Dispatcher(deliver, LIMITS)

    dispatcher.take(deliveries("a", 5))
    await turns()

    assert dispatcher.room() == LIMITS.in_hand
    assert dispatcher.eased.is_set()
