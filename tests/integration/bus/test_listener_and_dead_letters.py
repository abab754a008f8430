"""Events that every process hears, and messages that no consumer could use."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from shared.bus.dead_letters import DeadLetter, list_dead, queues, replay
from shared.bus.events import Event, EventType
from shared.bus.listener import Listener
from shared.bus.publisher import Publisher
from shared.bus.topology import NOTIFIER_QUEUE, ROUTER_QUEUE, declare_exchange, declare_queue
from tests.integration.broker import Vhost
from tests.integration.bus.handling import told
from tests.integration.conftest import Eventually, Start


class Ears:
    """What one process has heard."""

    def __init__(self, vhost: Vhost, name: str) -> None:
        self.heard: list[str] = []
        self.listener = Listener(vhost.url, name, [EventType.KEY_REVOKED], self._hear)

    def _hear(self, subjects: Sequence[str]) -> None:
        self.heard += subjects


@pytest.fixture
async def publisher(vhost: Vhost, running: Start) -> Publisher:
    publisher = Publisher(vhost.url, "test")
    running(publisher.run())
    assert await publisher.wait_connected(30)
    return publisher


async def revoke_until_heard(publisher: Publisher, eventually: Eventually, key_id: str, *ears: Ears) -> None:
    """A listener hears only what comes after its queue is bound."""

    async def all_heard() -> bool:
        await publisher.publish([Event(EventType.KEY_REVOKED, (key_id,))])
        return all(key_id in one.heard for one in ears)

    await eventually(all_heard)


async def test_every_process_hears_of_a_revoked_key(
    vhost: Vhost, publisher: Publisher, running: Start, eventually: Eventually
) -> None:
    ears = [Ears(vhost, f"api-{number}") for number in range(3)]
    for one in ears:
        running(one.listener.run())

    await revoke_until_heard(publisher, eventually, "key_1", *ears)


async def test_a_listener_that_lost_its_connection_listens_again(
    vhost: Vhost, publisher: Publisher, running: Start, eventually: Eventually
) -> None:
    ears = Ears(vhost, "api")
    running(ears.listener.run())
    await revoke_until_heard(publisher, eventually, "key_1", ears)

    async def cut() -> bool:
        return await vhost.close_connections("api.key.revoked") > 0

    await eventually(cut)
    await revoke_until_heard(publisher, eventually, "key_2", ears)


async def test_nonsense_and_other_events_do_not_disturb_a_listener(
    vhost: Vhost, publisher: Publisher, running: Start, eventually: Eventually
) -> None:
    ears = Ears(vhost, "api")
    running(ears.listener.run())
    await revoke_until_heard(publisher, eventually, "key_1", ears)
    async with vhost.channel() as channel:
        await declare_exchange(channel)
    await vhost.ring("key.revoked", b"nonsense")
    await publisher.publish([Event(EventType.TASK_FAILED, ("gen_1",))])
    await revoke_until_heard(publisher, eventually, "key_2", ears)

    assert set(ears.heard) == {"key_1", "key_2"}


@pytest.fixture
async def buried(vhost: Vhost) -> Vhost:
    """Two dead events and a dead piece of nonsense."""
    async with vhost.channel() as channel:
        await declare_queue(channel, ROUTER_QUEUE)
        await declare_queue(channel, NOTIFIER_QUEUE)
    await vhost.send_to(ROUTER_QUEUE.dead_letters, told("gen_1", "gen_2"), b"nonsense \xff", told("gen_3"))
    return vhost


async def test_dead_letters_are_listed_and_stay_where_they_are(buried: Vhost) -> None:
    expected = [
        DeadLetter("router.tasks", "task.queued", ("gen_1", "gen_2"), told("gen_1", "gen_2").decode()),
        DeadLetter("router.tasks", "not an event", (), "nonsense \ufffd"),
        DeadLetter("router.tasks", "task.queued", ("gen_3",), told("gen_3").decode()),
    ]
    for _ in range(2):
        async with buried.channel() as channel:
            assert await list_dead(channel, [ROUTER_QUEUE, NOTIFIER_QUEUE], 10) == expected
    assert await buried.waiting(ROUTER_QUEUE.dead_letters) == 3


async def test_a_listing_can_be_cut_short(buried: Vhost, eventually: Eventually) -> None:
    async with buried.channel() as channel:
        assert len(await list_dead(channel, [ROUTER_QUEUE], 1)) == 1

    async def all_back() -> bool:
        return await buried.waiting(ROUTER_QUEUE.dead_letters) == 3

    await eventually(all_back)


async def test_replaying_puts_events_back_into_their_queue_and_keeps_nonsense(buried: Vhost) -> None:
    async with buried.channel() as channel:
        assert await replay(channel, [ROUTER_QUEUE, NOTIFIER_QUEUE]) == 2

    assert await buried.take(ROUTER_QUEUE.name) == [told("gen_1", "gen_2"), told("gen_3")]
    assert await buried.take(ROUTER_QUEUE.dead_letters) == [b"nonsense \xff"]


async def test_replaying_twice_finds_nothing_the_second_time(buried: Vhost) -> None:
    for expected in (2, 0):
        async with buried.channel() as channel:
            assert await replay(channel, [ROUTER_QUEUE]) == expected


async def test_dead_letters_are_looked_for_where_no_service_has_started_yet(vhost: Vhost) -> None:
    async with vhost.channel() as channel:
        assert await list_dead(channel, queues(["fal"]), 10) == []
        assert await replay(channel, queues(["fal"])) == 0


def test_every_queue_can_have_dead_letters() -> None:
    assert [spec.dead_letters for spec in queues(["fal", "replicate"])] == [
        "router.tasks.dlq",
        "billing.tasks.dlq",
        "notifier.tasks.dlq",
        "worker.fal.dlq",
        "worker.replicate.dlq",
    ]
