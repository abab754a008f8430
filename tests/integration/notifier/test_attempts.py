"""From a final task to the end of its delivery."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.tasks.lifecycle import State
from shared.webhooks.deliveries import DeliveryLog
from tests.integration.notifier.receiver import receiving
from tests.integration.notifier.rig import Rig, until


async def test_a_completed_task_is_delivered_at_once(rig: Rig) -> None:
    async with receiving() as receiver:
        task_id = await rig.end_task(receiver.url)

        await rig.notify(task_id)
        await rig.finish()

    document = await rig.delivery()
    (received,) = receiver.received
    assert (document["task_id"], document["event"], document["state"]) == (
        task_id,
        "task.completed",
        "delivered",
    )
    assert document["account_id"] == rig.account_id
    assert document["body"] == received.body
    assert received.id == document["_id"]
    assert received.is_signed_with(rig.secret)
    assert document["owner"] is None
    assert "wake_at" not in document
    (attempt,) = document["attempts"]
    assert (attempt["number"], attempt["status"], attempt["body"], attempt["error"]) == (
        1,
        200,
        "thank you",
        None,
    )
    assert attempt["at"] == rig.clock.now()
    assert await rig.waiting_tasks() == 0


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
async def test_failed_and_cancelled_tasks_are_told_as_failed(rig: Rig, state: State) -> None:
    async with receiving() as receiver:
        await rig.notify(await rig.end_task(receiver.url, state, images=0))
        await rig.finish()

    assert (await rig.delivery())["event"] == "task.failed"
    assert b'"status":"failed"' in receiver.received[0].body


async def test_a_receiver_that_fails_three_times_gets_the_same_bytes_four_times(rig: Rig) -> None:
    async with receiving(500, 503, 404, 200) as receiver:
        await rig.notify(await rig.end_task(receiver.url))
        await rig.finish()
        for wait in (timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30)):
            await rig.sweep_after(wait - timedelta(milliseconds=1))
            await rig.sweep_after(timedelta(milliseconds=1))

    document = await rig.delivery()
    assert document["state"] == "delivered"
    assert [attempt["status"] for attempt in document["attempts"]] == [500, 503, 404, 200]
    assert [attempt["number"] for attempt in document["attempts"]] == [1, 2, 3, 4]
    assert [attempt["error"] for attempt in document["attempts"]] == [
        "answered 500",
        "answered 503",
        "answered 404",
        None,
    ]
    assert {received.id for received in receiver.received} == {document["_id"]}
    assert {received.body for received in receiver.received} == {document["body"]}
    assert len({received.timestamp for received in receiver.received}) == 4
    assert all(received.is_signed_with(rig.secret) for received in receiver.received)


async def test_after_eight_attempts_the_delivery_is_given_up(rig: Rig) -> None:
    async with receiving(500) as receiver:
        await rig.notify(await rig.end_task(receiver.url))
        await rig.finish()
        for _ in range(10):
            await rig.sweep_after(timedelta(hours=10))

    document = await rig.delivery()
    assert (document["state"], len(document["attempts"])) == ("gave_up", 8)
    assert "wake_at" not in document
    assert len(receiver.received) == 8


async def test_a_redirect_is_a_failure_and_not_followed(rig: Rig) -> None:
    async with receiving() as target, receiving(307, headers={"Location": target.url}) as receiver:
        await rig.notify(await rig.end_task(receiver.url))
        await rig.finish()

    document = await rig.delivery()
    assert target.received == []
    assert (document["state"], document["attempts"][0]["error"]) == ("pending", "redirected (307)")
    assert document["wake_at"] == rig.clock.now() + timedelta(seconds=5)


async def test_gone_ends_the_delivery_at_once(rig: Rig) -> None:
    async with receiving(410) as receiver:
        await rig.notify(await rig.end_task(receiver.url))
        await rig.finish()

    document = await rig.delivery()
    assert (document["state"], len(document["attempts"])) == ("gave_up", 1)


async def test_retry_after_puts_the_next_attempt_off(rig: Rig) -> None:
    async with receiving(429, headers={"Retry-After": "3600"}) as receiver:
        await rig.notify(await rig.end_task(receiver.url))
        await rig.finish()

    assert (await rig.delivery())["wake_at"] == rig.clock.now() + timedelta(hours=1)


async def test_an_address_that_is_not_allowed_is_tried_on_schedule(rig: Rig) -> None:
    await rig.notify(await rig.end_task("https://169.254.169.254/latest"))
    await rig.finish()

    document = await rig.delivery()
    assert (document["state"], document["attempts"][0]["error"]) == ("pending", "address not allowed")
    assert document["wake_at"] == rig.clock.now() + timedelta(seconds=5)


async def test_an_account_that_is_gone_leaves_nothing_to_sign_with(rig: Rig) -> None:
    async with receiving() as receiver:
        await rig.database["accounts"].delete_many({})
        await rig.notify(await rig.end_task(receiver.url))
        await rig.finish()

    assert receiver.received == []
    assert (await rig.delivery())["attempts"][0]["error"] == "no webhook secret"


async def test_a_hanging_receiver_does_not_hold_up_the_others(rig: Rig) -> None:
    async with receiving() as hanging, receiving() as healthy:
        hanging.released.clear()
        stuck = [await rig.end_task(hanging.url) for _ in range(40)]
        await rig.notify(*stuck)
        await until(lambda: len(hanging.received) == 2)
        lively = [await rig.end_task(healthy.url) for _ in range(5)]

        await rig.notify(*lively)
        await until(lambda: len(healthy.received) == 5)

        # The host's share is taken; what has no room is due for anybody.
        assert len(hanging.received) == 2
        assert await rig.database["deliveries"].count_documents({"owner": None, "state": "pending"}) == 8
        hanging.released.set()
        await rig.finish()
        while await rig.notifier.retries.sweep():
            await rig.finish()
        await rig.finish()

    assert len(hanging.received) == 40
    assert {document["state"] for document in await rig.deliveries()} == {"delivered"}


async def test_due_deliveries_are_found_through_their_index(rig: Rig) -> None:
    plan = (
        await rig.database["deliveries"]
        .find({"wake_at": {"$lte": rig.clock.now()}, "state": "pending", "host": {"$nin": ["a"]}})
        .sort("wake_at", 1)
        .explain()
    )

    assert '"indexName": "wake_at_1"' in str(plan["queryPlanner"]["winningPlan"]).replace("'", '"')


async def test_deliveries_are_kept_for_thirty_days_after_their_end(rig: Rig) -> None:
    async with receiving(500, 410, 500, 200) as receiver:
        await rig.notify(await rig.end_task(receiver.url))
        await rig.finish()
        assert "ended_at" not in await rig.delivery()
        await rig.sweep_after(timedelta(seconds=5))
        document = await rig.delivery()
        assert (document["state"], document["ended_at"]) == ("gave_up", rig.clock.now())

        await DeliveryLog(rig.database, rig.clock).redeliver(rig.account_id, document["_id"])
        assert "ended_at" not in await rig.delivery()
        await rig.sweep_after(timedelta(hours=1))
        assert "ended_at" not in await rig.delivery()
        await rig.sweep_after(timedelta(hours=1))

    document = await rig.delivery()
    assert (document["state"], document["ended_at"]) == ("delivered", rig.clock.now())
    assert await seconds_kept(rig, "deliveries", "ended_at") == 30 * 24 * 3600
    assert await seconds_kept(rig, "account_events", "at") == 60 * 24 * 3600


async def seconds_kept(rig: Rig, collection: str, field: str) -> int:
    indexes = await rig.database[collection].index_information()
    (index,) = (one for one in indexes.values() if one["key"] == [(field, 1)])
    return int(index["expireAfterSeconds"])
