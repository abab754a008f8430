"""Account-level endpoints: who is told of what, and which are left alone."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest

from services.notifier.breaker import FAILURES_TO_REST, FIRST_REST
from services.notifier.courier import LONGEST_SCATTER
from shared.account_events import AccountEventType
from shared.tasks.lifecycle import State
from shared.webhooks.endpoint import NewEndpoint
from tests.integration.notifier.receiver import receiving
from tests.integration.notifier.rig import Rig


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (State.COMPLETED, "task.completed"),
        (State.FAILED, "task.failed"),
        (State.CANCELLED, "task.cancelled"),
    ],
)
@pytest.mark.parametrize("dialect", ["eggapi", "openai", "aigenway"])
async def test_every_end_of_a_task_is_told_in_our_own_words(
    rig: Rig, state: State, event: str, dialect: str
) -> None:
    async with receiving() as receiver:
        await rig.endpoint(receiver.url)
        task_id = await rig.end_task(None, state, dialect=dialect, cost_nano=16_000_000)
        await rig.notify(task_id)
        await rig.finish()

    (received,) = receiver.received
    told = orjson.loads(received.body)
    assert (told["type"], told["version"], told["data"]["task_id"]) == (event, 1, task_id)
    assert told["data"]["cost_usd"] == "0.016000000"
    assert {name for name in received.headers if name.lower().startswith(("webhook-", "x-"))} == {
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    }
    document = await rig.delivery()
    assert (document["_id"], document["event_id"], document["state"]) == (
        received.id,
        told["id"],
        "delivered",
    )
    assert await rig.waiting_tasks() == 0


async def test_a_callback_and_all_endpoints_that_want_it_are_told_once_each(rig: Rig) -> None:
    async with receiving() as callback, receiving() as all_of_it, receiving() as failures:
        await rig.endpoint(all_of_it.url)
        await rig.endpoint(all_of_it.url)
        await rig.endpoint(failures.url, "task.failed")
        task_id = await rig.end_task(callback.url)
        tasks = await rig.tasks.load([task_id])
        for _ in range(3):
            await rig.notifier.handlers.notify(tasks)
        await rig.finish()

    assert len(await rig.deliveries()) == 3
    assert (len(callback.received), len(all_of_it.received), len(failures.received)) == (1, 2, 0)
    assert callback.received[0].is_signed_with(rig.secret)
    assert orjson.loads(callback.received[0].body)["event"] == "task.completed"
    assert len({received.body for received in all_of_it.received}) == 1
    assert len({received.id for received in all_of_it.received}) == 2


async def test_an_endpoint_at_the_address_of_a_callback_is_told_besides(rig: Rig) -> None:
    async with receiving() as receiver:
        await rig.endpoint(receiver.url)
        await rig.notify(await rig.end_task(receiver.url))
        await rig.finish()

    assert len(receiver.received) == 2


async def test_endpoints_of_other_accounts_hear_nothing(rig: Rig) -> None:
    async with receiving() as receiver:
        await rig.endpoints.create("acc_other", NewEndpoint(receiver.url))
        await rig.notify(await rig.end_task(None))
        await rig.finish()

    assert receiver.received == []
    assert await rig.deliveries() == []


async def test_account_events_are_told_by_filter_and_tests_to_their_endpoint_alone(rig: Rig) -> None:
    async with receiving() as one, receiving() as other:
        first, _ = await rig.endpoint(one.url, "task.failed")
        await rig.endpoint(other.url, "balance.low")
        await rig.happen(AccountEventType.WEBHOOK_TEST, "evt_test", endpoint_id=first)
        await rig.happen(AccountEventType.BALANCE_LOW, "evt_low", available_usd="1.000000000")
        await rig.tell()

    assert [orjson.loads(received.body)["type"] for received in one.received] == ["webhook.test"]
    (low,) = (orjson.loads(received.body) for received in other.received)
    assert low == {
        "id": "evt_low",
        "type": "balance.low",
        "version": 1,
        "created_at": "2026-02-03T09:15:00.000Z",
        "data": {"available_usd": "1.000000000"},
    }
    assert await rig.database["account_events"].count_documents({"wake_at": {"$exists": True}}) == 0


async def test_an_endpoint_that_is_gone_is_disabled_and_the_others_hear_of_it(rig: Rig) -> None:
    async with receiving(410) as gone, receiving() as other:
        endpoint_id, _ = await rig.endpoint(gone.url)
        await rig.endpoint(other.url, "webhook.disabled")
        await rig.notify(await rig.end_task(None))
        await rig.finish()

        endpoint = await rig.stored_endpoint(endpoint_id)
        assert (endpoint.enabled, endpoint.disabled_reason) == (False, "answered 410 Gone")
        assert endpoint.disabled_at == rig.clock.now()
        await rig.tell()
        await rig.notify(await rig.end_task(None))
        await rig.finish()

    (notice,) = (orjson.loads(received.body) for received in other.received)
    assert notice["data"] == {
        "endpoint_id": endpoint_id,
        "url": gone.url,
        "reason": "answered 410 Gone",
    }
    assert len(gone.received) == 1


async def test_an_endpoint_that_fails_for_five_days_is_disabled(rig: Rig) -> None:
    async with receiving(500) as receiver:
        endpoint_id, _ = await rig.endpoint(receiver.url)
        await rig.notify(await rig.end_task(None))
        await rig.finish()
        rig.clock.advance(timedelta(days=5) - timedelta(seconds=1))
        await rig.notify(await rig.end_task(None))
        await rig.finish()
        assert (await rig.stored_endpoint(endpoint_id)).enabled

        await rig.sweep_after(timedelta(seconds=1))
        await rig.sweep_after(timedelta(seconds=10))

    endpoint = await rig.stored_endpoint(endpoint_id)
    assert (endpoint.enabled, endpoint.disabled_reason) == (False, "failed for 5 days")
    assert await rig.database["account_events"].count_documents({"type": "webhook.disabled"}) == 1
    assert {document["state"] for document in await rig.deliveries()} <= {"gave_up", "pending"}


async def test_a_success_ends_the_days_of_failure(rig: Rig) -> None:
    async with receiving(500, 200, 500) as receiver:
        endpoint_id, _ = await rig.endpoint(receiver.url)
        await rig.notify(await rig.end_task(None))
        await rig.finish()
        await rig.sweep_after(timedelta(days=4))
        await rig.notify(await rig.end_task(None))
        await rig.finish()
        rig.clock.advance(timedelta(days=2))
        await rig.notify(await rig.end_task(None))
        await rig.finish()

    assert len(receiver.received) == 4
    assert (await rig.stored_endpoint(endpoint_id)).enabled


async def test_a_failing_endpoint_rests_while_one_delivery_at_a_time_tries_it(rig: Rig) -> None:
    failing = [500] * FAILURES_TO_REST
    async with receiving(*failing, 500, 200) as receiver:
        await rig.endpoint(receiver.url)
        for _ in range(FAILURES_TO_REST):
            await rig.notify(await rig.end_task(None))
            await rig.finish()
        for _ in range(4):
            await rig.notify(await rig.end_task(None))
        await rig.finish()
        assert len(receiver.received) == FAILURES_TO_REST

        await rig.sweep_after(FIRST_REST)
        assert len(receiver.received) == FAILURES_TO_REST + 1
        await rig.sweep_after(FIRST_REST)
        assert len(receiver.received) == FAILURES_TO_REST + 1
        await rig.sweep_after(FIRST_REST + LONGEST_SCATTER)
        assert len(receiver.received) > FAILURES_TO_REST + 1
        await rig.sweep_after(timedelta(0))
        await rig.sweep_after(timedelta(minutes=10))

    documents = await rig.deliveries()
    assert {document["state"] for document in documents} == {"delivered"}
    # Waiting for its turn cost no attempt.
    assert sum(len(document["attempts"]) for document in documents) == len(receiver.received)


async def test_attempts_take_the_address_of_today(rig: Rig) -> None:
    async with receiving(500) as old, receiving() as new:
        endpoint_id, _ = await rig.endpoint(old.url)
        await rig.notify(await rig.end_task(None))
        await rig.finish()
        await rig.endpoints.change(rig.account_id, endpoint_id, {"url": new.url})
        await rig.sweep_after(timedelta(seconds=5))

    document = await rig.delivery()
    assert (len(old.received), len(new.received)) == (1, 1)
    assert (document["state"], document["url"]) == ("delivered", new.url)


@pytest.mark.parametrize("how", ["deleted", "disabled"])
async def test_what_waits_for_an_endpoint_that_is_no_more_is_given_up(rig: Rig, how: str) -> None:
    async with receiving(500) as receiver:
        endpoint_id, _ = await rig.endpoint(receiver.url)
        await rig.notify(await rig.end_task(None))
        await rig.finish()
        if how == "deleted":
            await rig.endpoints.delete(rig.account_id, endpoint_id)
        else:
            await rig.endpoints.change(rig.account_id, endpoint_id, {"enabled": False})
        await rig.sweep_after(timedelta(seconds=5))

    document = await rig.delivery()
    assert (document["state"], document["attempts"][-1]["error"]) == ("gave_up", f"endpoint {how}")
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("failures", "wait"),
    [
        (1, None),
        (FAILURES_TO_REST - 1, None),
        (FAILURES_TO_REST, timedelta(seconds=30)),
        (FAILURES_TO_REST + 1, timedelta(minutes=1)),
        (FAILURES_TO_REST + 4, timedelta(minutes=8)),
        (FAILURES_TO_REST + 5, timedelta(minutes=10)),
        (10_000, timedelta(minutes=10)),
    ],
)
async def test_rests_double_up_to_ten_minutes(rig: Rig, failures: int, wait: timedelta | None) -> None:
    async with receiving(500) as receiver:
        endpoint_id, _ = await rig.endpoint(receiver.url)
        await rig.database["webhook_endpoints"].update_one(
            {"_id": endpoint_id}, {"$set": {"failures": failures - 1}}
        )
        await rig.notify(await rig.end_task(None))
        await rig.finish()

    stored = await rig.database["webhook_endpoints"].find_one({"_id": endpoint_id})
    assert stored is not None
    assert stored.get("rests_until") == (None if wait is None else rig.clock.now() + wait)
