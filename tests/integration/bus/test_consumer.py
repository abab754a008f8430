"""Consuming from a real broker: batches, poison, stepping back, lost connections and stopping."""

from __future__ import annotations

import asyncio

import pytest
from pymongo.errors import AutoReconnect

from shared.bus.consumer import MOST_DELIVERIES, Consumer
from tests.integration.broker import Vhost
from tests.integration.bus.handling import SPEC, Handled, told
from tests.integration.conftest import Eventually, Start

IDS = [f"gen_{number:02}" for number in range(40)]


def consumer(vhost: Vhost, handled: Handled, name: str = "one", **options: object) -> Consumer:
    return Consumer(vhost.url, name, SPEC, handled, **options)  # type: ignore[arg-type]


async def emptied(vhost: Vhost) -> bool:
    return await vhost.waiting(SPEC.name) == 0


async def stopped(consuming: Consumer, run: asyncio.Task[None]) -> None:
    consuming.stop()
    await run


async def test_every_message_is_handled_once_in_order_and_in_batches(
    vhost: Vhost, running: Start, eventually: Eventually
) -> None:
    await vhost.send(SPEC, *(told(one) for one in IDS))
    handled = Handled(held_back=True)
    consuming = consumer(vhost, handled)
    run = running(consuming.run())
    await handled.began.wait()
    handled.go_on.set()
    await eventually(lambda: len(handled.ids) == len(IDS))
    await stopped(consuming, run)

    assert handled.ids == IDS
    assert len(handled.batches) < len(IDS)
    assert await vhost.waiting(SPEC.name) == 0


async def test_a_message_of_many_tasks_is_one_message(
    vhost: Vhost, running: Start, eventually: Eventually
) -> None:
    await vhost.send(SPEC, told("gen_1", "gen_2"), told())
    handled = Handled()
    running(consumer(vhost, handled).run())

    await eventually(lambda: emptied(vhost))
    await eventually(lambda: handled.ids == ["gen_1", "gen_2"])


async def test_a_body_that_is_no_event_is_dead_at_once_and_its_neighbours_are_handled(
    vhost: Vhost, running: Start, eventually: Eventually
) -> None:
    bodies = [
        told("gen_1"),
        b"not json",
        told("gen_2"),
        b'{"v":9,"type":"task.queued","task_ids":[]}',
        told("gen_3"),
    ]
    await vhost.send(SPEC, *bodies)
    handled = Handled()
    consuming = consumer(vhost, handled)
    run = running(consuming.run())

    async def both_dead() -> bool:
        return await vhost.waiting(SPEC.dead_letters) == 2

    await eventually(both_dead)
    await eventually(lambda: len(handled.ids) == 3)
    await stopped(consuming, run)
    assert handled.ids == ["gen_1", "gen_2", "gen_3"]
    assert await vhost.take(SPEC.dead_letters) == [bodies[1], bodies[3]]
    assert await vhost.waiting(SPEC.name) == 0


async def test_a_task_that_always_fails_alone_is_dead_after_five_deliveries_and_its_neighbours_are_done(
    vhost: Vhost, running: Start, eventually: Eventually
) -> None:
    await vhost.send(SPEC, *(told(one) for one in IDS[:6]))
    handled = Handled(IDS[3])
    consuming = consumer(vhost, handled)
    run = running(consuming.run())

    async def dead() -> bool:
        return await vhost.waiting(SPEC.dead_letters) == 1

    await eventually(dead)
    await stopped(consuming, run)
    assert {one: handled.ids.count(one) for one in IDS[:6]} == {
        one: MOST_DELIVERIES if one == IDS[3] else 1 for one in IDS[:6]
    }
    assert await vhost.take(SPEC.dead_letters) == [told(IDS[3])]
    assert await vhost.waiting(SPEC.name) == 0


async def test_a_task_that_recovers_is_not_dead(vhost: Vhost, running: Start, eventually: Eventually) -> None:
    await vhost.send(SPEC, told("gen_1"))
    handled = Handled("gen_1", poisonous_times=MOST_DELIVERIES - 1)
    consuming = consumer(vhost, handled)
    run = running(consuming.run())
    await eventually(lambda: len(handled.ids) == MOST_DELIVERIES)
    await stopped(consuming, run)

    assert await vhost.waiting(SPEC.dead_letters) == 0
    assert await vhost.waiting(SPEC.name) == 0


async def test_while_the_database_is_away_messages_are_kept_and_not_counted_as_failed(
    vhost: Vhost, running: Start, eventually: Eventually
) -> None:
    await vhost.send(SPEC, told("gen_1"))
    handled = Handled()
    handled.errors = [AutoReconnect("away"), AutoReconnect("away")]
    consuming = consumer(vhost, handled)
    run = running(consuming.run())
    await eventually(lambda: len(handled.batches) == 3)
    await stopped(consuming, run)

    assert handled.ids == ["gen_1"] * 3
    assert await vhost.waiting(SPEC.name) == 0
    assert await vhost.waiting(SPEC.dead_letters) == 0


async def test_a_consumer_told_to_stop_during_an_outage_leaves_its_messages_to_others(
    vhost: Vhost, running: Start, eventually: Eventually
) -> None:
    await vhost.send(SPEC, told("gen_1"))
    handled = Handled()
    handled.errors = [AutoReconnect("away")] * 10_000
    consuming = consumer(vhost, handled)
    run = running(consuming.run())
    await handled.began.wait()
    await stopped(consuming, run)

    async def back() -> bool:
        return await vhost.waiting(SPEC.name) == 1

    await eventually(back)


async def test_a_consumer_without_room_steps_back_and_waiting_messages_go_to_another(
    vhost: Vhost, running: Start, eventually: Eventually
) -> None:
    await vhost.send(SPEC, *(told(one) for one in IDS))
    full, free = Handled(), Handled()
    running(consumer(vhost, full, "full", prefetch=20, room=lambda: 5 - len(full.ids)).run())
    await eventually(lambda: len(full.ids) == 5)
    running(consumer(vhost, free, "free").run())
    await eventually(lambda: len(free.ids) == len(IDS) - 5)

    assert sorted([*full.ids, *free.ids]) == IDS
    assert full.ids == IDS[:5]


async def test_a_consumer_takes_up_again_once_there_is_room(
    vhost: Vhost, running: Start, eventually: Eventually
) -> None:
    await vhost.send(SPEC, *(told(one) for one in IDS))
    room = 5
    handled = Handled()

    def left() -> int:
        return room - len(handled.ids)

    running(consumer(vhost, handled, prefetch=20, room=left).run())
    await eventually(lambda: len(handled.ids) == 5)
    room = len(IDS)
    await eventually(lambda: len(handled.ids) == len(IDS))

    assert sorted(handled.ids) == IDS


@pytest.mark.parametrize("capacity", [1, 3])
async def test_a_consumer_with_little_room_in_all_takes_up_again_too(
    vhost: Vhost, running: Start, eventually: Eventually, capacity: int
) -> None:
    await vhost.send(SPEC, *(told(one) for one in IDS[:6]))
    done = 0
    handled = Handled()
    running(consumer(vhost, handled, prefetch=32, room=lambda: capacity - len(handled.ids) + done).run())
    for count in range(capacity, 7, capacity):
        await eventually(lambda count=count: len(handled.ids) == count)
        done = count

    assert sorted(handled.ids) == IDS[:6]


async def test_messages_in_hand_when_the_connection_is_lost_come_again(
    vhost: Vhost, running: Start, eventually: Eventually
) -> None:
    await vhost.send(SPEC, told("gen_1"), told("gen_2"))
    handled = Handled(held_back=True)
    consuming = consumer(vhost, handled, "loses-it")
    run = running(consuming.run())
    await handled.began.wait()

    async def cut() -> bool:
        return await vhost.close_connections("loses-it") > 0

    await eventually(cut)
    handled.go_on.set()
    await eventually(lambda: handled.ids.count("gen_1") >= 2 and handled.ids.count("gen_2") >= 1)
    await eventually(lambda: emptied(vhost))
    await stopped(consuming, run)

    assert await vhost.waiting(SPEC.name) == 0
    assert await vhost.waiting(SPEC.dead_letters) == 0


async def test_stopping_finishes_the_batch_in_hand_and_leaves_the_rest(
    vhost: Vhost, running: Start, eventually: Eventually
) -> None:
    handled = Handled(held_back=True)
    consuming = consumer(vhost, handled)
    run = running(consuming.run())

    async def declared() -> bool:
        return await vhost.waiting(SPEC.name) == 0

    await eventually(declared)
    await vhost.send(SPEC, told("gen_1"))
    await handled.began.wait()
    await vhost.send(SPEC, told("gen_2"), told("gen_3"))
    consuming.stop()
    await asyncio.sleep(0.05)
    assert not run.done()

    handled.go_on.set()
    await run
    assert handled.ids == ["gen_1"]

    async def rest_is_back() -> bool:
        return await vhost.waiting(SPEC.name) == 2

    await eventually(rest_is_back)


@pytest.mark.parametrize("tries", [1, 3])
async def test_the_queue_and_its_dead_letters_are_declared_again_as_often_as_needed(
    vhost: Vhost, running: Start, eventually: Eventually, tries: int
) -> None:
    for number in range(tries):
        handled = Handled()
        consuming = consumer(vhost, handled)
        run = running(consuming.run())
        await vhost.send(SPEC, told(f"gen_{number}"))
        await handled.began.wait()
        await stopped(consuming, run)

    assert await vhost.waiting(SPEC.dead_letters) == 0
