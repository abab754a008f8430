"""Crashes, duplicates and replicas: one delivery per event, with the same id and bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta

import pytest

from shared.killpoints import KillPoints
from shared.mongo import Database
from shared.tasks.store import TaskStore
from tests.integration.notifier.receiver import receiving
from tests.integration.notifier.rig import Rig, open_rig, until

LEASE = timedelta(seconds=30)


class Crash(RuntimeError):
    """Stands for the end of the process."""


class CrashOnce(KillPoints):
    """Breaks off the first time a point is reached."""

    def __init__(self, point: str) -> None:
        super().__init__(point)
        self._left = 1

    def reach(self, point: str) -> None:
        if point == self._armed and self._left:
            self._left = 0
            raise Crash(point)


class CrashingTaskStore(TaskStore):
    """Dies before the tasks are settled down."""

    async def settle_down(self, task_ids: Iterable[str]) -> None:
        raise Crash("before settle_down")


async def test_the_same_event_many_times_makes_one_delivery(rig: Rig) -> None:
    async with receiving() as receiver:
        task_id = await rig.end_task(receiver.url)

        await asyncio.gather(*(rig.notify(task_id, task_id) for _ in range(5)))
        await rig.notify(task_id)
        await rig.finish()

    assert (await rig.delivery())["state"] == "delivered"
    assert len(receiver.received) == 1


async def test_a_task_without_a_callback_makes_no_delivery(rig: Rig) -> None:
    await rig.notify(await rig.end_task(None))

    assert await rig.deliveries() == []
    assert await rig.waiting_tasks() == 0


async def test_new_and_known_deliveries_in_one_batch_are_told_apart(rig: Rig) -> None:
    async with receiving() as receiver:
        known = await rig.end_task(receiver.url)
        tasks = await rig.tasks.load([known])
        await rig.notify(known)
        await rig.finish()
        fresh = await rig.tasks.load([await rig.end_task(receiver.url) for _ in range(3)])

        await rig.notifier.handlers.notify([*fresh, *tasks])
        await rig.finish()

    assert len(receiver.received) == 4
    assert [len(document["attempts"]) for document in await rig.deliveries()] == [1, 1, 1, 1]


async def test_a_crash_between_insert_and_settle_down_converges(database: Database) -> None:
    async with receiving() as receiver, open_rig(database, store=CrashingTaskStore) as dying:
        task_id = await dying.end_task(receiver.url)
        with pytest.raises(Crash):
            await dying.notify(task_id)
        await dying.finish()
        assert await dying.waiting_tasks() == 1

        async with open_rig(database, dying.clock) as heir:
            await heir.notify(task_id)
            await heir.sweep_after(LEASE)

            assert await heir.waiting_tasks() == 0
            assert (await heir.delivery())["state"] == "delivered"
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("point", "posts"),
    [("notifier.after_claim", 1), ("notifier.after_post", 2), ("notifier.after_record", 1)],
)
async def test_a_crash_at_any_step_of_an_attempt_converges(
    database: Database, point: str, posts: int
) -> None:
    async with receiving() as receiver, open_rig(database, killpoints=CrashOnce(point)) as rig:
        await rig.notify(await rig.end_task(receiver.url))
        await rig.finish()
        await rig.sweep_after(LEASE - timedelta(milliseconds=1))
        await rig.sweep_after(timedelta(milliseconds=1))

        document = await rig.delivery()
    assert (document["state"], len(document["attempts"])) == ("delivered", 1)
    assert len(receiver.received) == posts
    assert {received.id for received in receiver.received} == {document["_id"]}
    assert {received.body for received in receiver.received} == {document["body"]}


async def test_replicas_share_out_what_is_due(database: Database) -> None:
    async with receiving() as receiver, open_rig(database) as one, open_rig(database, one.clock) as other:
        receiver.released.clear()
        await one.notify(*[await one.end_task(receiver.url) for _ in range(14)])
        receiver.released.set()
        await one.finish()

        for _ in range(3):
            await asyncio.gather(one.notifier.retries.sweep(), other.notifier.retries.sweep())
            await asyncio.gather(one.finish(), other.finish())

        assert {document["state"] for document in await one.deliveries()} == {"delivered"}
    assert len(receiver.received) == 14


async def test_a_late_record_of_a_lost_claim_changes_nothing(database: Database) -> None:
    async with receiving(500, 200) as receiver, open_rig(database) as slow:
        receiver.released.clear()
        await slow.notify(await slow.end_task(receiver.url))
        await until(lambda: len(receiver.received) == 1)
        slow.clock.advance(LEASE)
        async with open_rig(database, slow.clock) as quick:
            await quick.notifier.retries.sweep()
            await until(lambda: len(receiver.received) == 2)
            owner = (await quick.delivery())["owner"]
            assert owner is not None
            receiver.released.set()
            await asyncio.gather(slow.finish(), quick.finish())

            document = await quick.delivery()
    assert (document["state"], [attempt["status"] for attempt in document["attempts"]]) == (
        "delivered",
        [200],
    )


async def test_stopping_finishes_what_is_under_way_and_gives_back_the_rest(database: Database) -> None:
    async with receiving() as receiver, open_rig(database) as rig:
        receiver.released.clear()
        await rig.notify(*[await rig.end_task(receiver.url) for _ in range(5)])
        await until(lambda: len(receiver.received) == 2)

        draining = asyncio.create_task(rig.notifier.drain())
        await asyncio.sleep(0)
        receiver.released.set()
        await draining

        states = [document["state"] for document in await rig.deliveries()]
        assert sorted(states) == ["delivered", "delivered", "pending", "pending", "pending"]
        async with open_rig(database, rig.clock) as heir:
            await heir.sweep_after(timedelta(0))
            while await heir.notifier.retries.sweep():
                await heir.finish()
            await heir.finish()
            assert {document["state"] for document in await heir.deliveries()} == {"delivered"}
    assert len(receiver.received) == 5


async def test_a_claim_that_ran_out_while_waiting_is_left_to_the_next_one(rig: Rig) -> None:
    async with receiving() as receiver:
        receiver.released.clear()
        await rig.notify(*[await rig.end_task(receiver.url) for _ in range(3)])
        await until(lambda: len(receiver.received) == 2)
        rig.clock.advance(LEASE - timedelta(seconds=14))
        receiver.released.set()
        await rig.finish()
        assert len(receiver.received) == 2

        await rig.sweep_after(timedelta(seconds=14))

    assert {document["state"] for document in await rig.deliveries()} == {"delivered"}
    assert len({received.id for received in receiver.received}) == len(receiver.received) == 3
