"""Crashes between an event and its deliveries: none is lost, none is made twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.account_events import AccountEventType
from shared.mongo import Database
from tests.integration.notifier.receiver import receiving
from tests.integration.notifier.rig import Rig, open_rig
from tests.integration.notifier.test_faults import LEASE, Crash, CrashingTaskStore, CrashOnce


async def test_a_crash_between_a_tasks_deliveries_and_its_rest_makes_none_twice(database: Database) -> None:
    async with receiving() as receiver, open_rig(database, store=CrashingTaskStore) as dying:
        for _ in range(3):
            await dying.endpoint(receiver.url)
        task_id = await dying.end_task(receiver.url)
        with pytest.raises(Crash):
            await dying.notify(task_id)
        await dying.finish()

        async with open_rig(database, dying.clock) as heir:
            await heir.notify(task_id)
            await heir.sweep_after(LEASE)
            assert await heir.waiting_tasks() == 0
            assert {document["state"] for document in await heir.deliveries()} == {"delivered"}
    assert len(receiver.received) == 4


async def test_a_crash_between_an_account_events_deliveries_and_its_rest_makes_none_twice(
    database: Database,
) -> None:
    async with (
        receiving() as receiver,
        open_rig(database, killpoints=CrashOnce("notifier.after_fan_out")) as rig,
    ):
        await rig.endpoint(receiver.url)
        await rig.endpoint(receiver.url)
        await rig.happen(AccountEventType.BALANCE_LOW)
        with pytest.raises(Crash):
            await rig.notifier.account_events.sweep()
        await rig.finish()
        assert await waiting_events(rig) == 1

        await rig.tell()

        assert await waiting_events(rig) == 0
        assert len(await rig.deliveries()) == 2
    assert len(receiver.received) == 2


async def test_replicas_that_meet_the_same_account_event_make_one_delivery(database: Database) -> None:
    async with receiving() as receiver, open_rig(database) as one, open_rig(database, one.clock) as other:
        await one.endpoint(receiver.url)
        event = await one.happen(AccountEventType.BALANCE_LOW)
        await one.tell()
        await one.database["account_events"].update_one({}, {"$set": {"wake_at": event.at}})
        await other.tell()

        assert len(await one.deliveries()) == 1
    assert len(receiver.received) == 1


async def test_an_account_event_that_is_recorded_again_is_told_once(rig: Rig) -> None:
    async with receiving() as receiver:
        await rig.endpoint(receiver.url)
        for _ in range(3):
            await rig.happen(AccountEventType.USAGE_THRESHOLD, "evt_80_percent")
            await rig.tell()

    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("point", "posts"),
    [("notifier.after_claim", 1), ("notifier.after_post", 2), ("notifier.after_record", 1)],
)
async def test_a_crash_at_any_step_of_an_attempt_at_an_endpoint_converges(
    database: Database, point: str, posts: int
) -> None:
    async with receiving() as receiver, open_rig(database, killpoints=CrashOnce(point)) as rig:
        await rig.endpoint(receiver.url)
        await rig.notify(await rig.end_task(None))
        await rig.finish()
        await rig.sweep_after(LEASE - timedelta(milliseconds=1))
        await rig.sweep_after(timedelta(milliseconds=1))

        document = await rig.delivery()
    assert (document["state"], len(document["attempts"])) == ("delivered", 1)
    assert len(receiver.received) == posts
    assert {(received.id, received.body) for received in receiver.received} == {
        (document["_id"], document["body"])
    }


async def waiting_events(rig: Rig) -> int:
    return await rig.database["account_events"].count_documents({"wake_at": {"$exists": True}})
