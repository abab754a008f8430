"""Publishing to a real broker, and to one that is not there."""

from __future__ import annotations

import asyncio

import pytest

from deploy.local.servers import Servers
from shared.bus.consumer import Consumer
from shared.bus.events import Event, EventType, decode
from shared.bus.publisher import PUBLISH_TIMEOUT_SECONDS, Publisher
from shared.bus.topology import declare_queue
from tests.integration.broker import Vhost
from tests.integration.bus.handling import SPEC, Handled
from tests.integration.conftest import Eventually, Start

NEWS = Event(EventType.TASK_QUEUED, ("gen_1",))


@pytest.fixture
async def publisher(vhost: Vhost, running: Start) -> Publisher:
    """Connected, with a queue that waits for new tasks."""
    async with vhost.channel() as channel:
        await declare_queue(channel, SPEC)
    publisher = Publisher(vhost.url, "test")
    running(publisher.run())
    assert await publisher.wait_connected(30)
    return publisher


async def test_a_confirmed_event_is_in_the_queue(vhost: Vhost, publisher: Publisher) -> None:
    assert await publisher.publish([NEWS])
    assert [decode(body) for body in await vhost.take(SPEC.name)] == [NEWS]


async def test_messages_survive_the_broker(vhost: Vhost, publisher: Publisher) -> None:
    await publisher.publish([NEWS])
    async with vhost.channel() as channel:
        message = await (await channel.get_queue(SPEC.name)).get()

        assert message.delivery_mode == 2
        assert message.content_type == "application/json"
        await message.ack()


async def test_many_events_are_packed_and_all_confirmed(vhost: Vhost, publisher: Publisher) -> None:
    assert await publisher.publish([Event(EventType.TASK_QUEUED, (f"gen_{n}",)) for n in range(250)])
    events = [decode(body) for body in await vhost.take(SPEC.name)]

    assert sorted(len(event.subjects) for event in events) == [50, 100, 100]
    assert len({subject for event in events for subject in event.subjects}) == 250


async def test_an_event_that_nobody_waits_for_is_no_failure(vhost: Vhost, publisher: Publisher) -> None:
    assert await publisher.publish([Event(EventType.TASK_FAILED, ("gen_1",))])
    assert await vhost.waiting(SPEC.name) == 0


async def test_publishing_nothing_succeeds_without_a_broker() -> None:
    publisher = Publisher("amqp://127.0.0.1:1/", "test")

    assert await publisher.publish([])
    assert not await publisher.publish([NEWS])
    assert not await publisher.wait_connected(0.01)


async def test_a_cut_connection_is_opened_anew(
    vhost: Vhost, publisher: Publisher, eventually: Eventually
) -> None:
    async def cut() -> bool:
        return await vhost.close_connections("test.publisher") > 0

    await eventually(cut)
    await eventually(lambda: not publisher.connected)
    await eventually(lambda: publisher.connected)

    assert await publisher.publish([NEWS])
    assert await vhost.waiting(SPEC.name) == 1


async def test_with_the_broker_gone_nothing_blocks_and_afterwards_all_goes_on(
    servers: Servers, vhost: Vhost, publisher: Publisher, running: Start, eventually: Eventually
) -> None:
    handled = Handled()
    running(Consumer(vhost.url, "test", SPEC, handled).run())
    assert await publisher.publish([NEWS])
    await handled.began.wait()
    await servers.stop_rabbitmq()
    try:
        async with asyncio.timeout(PUBLISH_TIMEOUT_SECONDS):
            assert await asyncio.gather(*(publisher.publish([NEWS]) for _ in range(50))) == [False] * 50
        await eventually(lambda: not publisher.connected)
    finally:
        await servers.start_rabbitmq()
    await eventually(lambda: publisher.connected)
    handled.began.clear()

    async def arrives() -> bool:
        return await publisher.publish([Event(EventType.TASK_QUEUED, ("gen_after",))])

    await eventually(arrives)
    await eventually(lambda: "gen_after" in handled.ids)
