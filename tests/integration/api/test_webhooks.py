"""`/v1/webhooks` on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from services.api.admission import Admission, Unlimited
from services.api.webhooks.deliveries import delivery_endpoints
from services.api.webhooks.endpoints import endpoint_endpoints
from shared.account_events import AccountEvents
from shared.http import EgressPolicy
from shared.ids import Prefix, new_id
from shared.mongo import Database, Document
from shared.secrets import SecretBox
from shared.webhooks.deliveries import MOST_ATTEMPTS, DeliveryLog
from shared.webhooks.endpoint import MOST_ENDPOINTS
from shared.webhooks.endpoints import Endpoints
from tests.integration.api.asking import client_of, whoever_says_so
from tests.unit.building import NOON, StillClock

URL = "https://shop.example.org/hooks"
BOX = SecretBox("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")


def client(database: Database, clock: StillClock, account_id: str) -> httpx.AsyncClient:
    admit = Admission(whoever_says_so, Unlimited())
    endpoints = Endpoints(database, clock, BOX)
    return client_of(
        delivery_endpoints(admit, DeliveryLog(database, clock), endpoints),
        endpoint_endpoints(admit, endpoints, AccountEvents(database), EgressPolicy(), clock),
        account_id=account_id,
    )


@pytest_asyncio.fixture
async def api(database: Database, clock: StillClock) -> AsyncIterator[httpx.AsyncClient]:
    async with client(database, clock, "acc_1") as found:
        yield found


@pytest_asyncio.fixture
async def other(database: Database, clock: StillClock) -> AsyncIterator[httpx.AsyncClient]:
    async with client(database, clock, "acc_2") as found:
        yield found


async def made(api: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await api.post("/v1/webhooks", json={"url": URL, **fields})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def delivery(database: Database, state: str = "gave_up", **fields: Any) -> str:
    """One as the notifier leaves it."""
    attempt = {
        "number": 1,
        "at": NOON,
        "duration_ms": 5,
        "status": 500,
        "headers": {"server": "x"},
        "body": "no",
        "error": "answered 500",
    }
    document: Document = {
        "_id": new_id(Prefix.DELIVERY),
        "account_id": "acc_1",
        "task_id": new_id(Prefix.EGGAPI_TASK),
        "event": "task.completed",
        "url": URL,
        "host": "shop.example.org",
        "dialect": "eggapi",
        "body": b'{"a":1}',
        "state": state,
        "attempts": [attempt],
        "owner": None,
        "created_at": NOON,
        **fields,
    }
    await database["deliveries"].insert_one(document)
    return str(document["_id"])


async def test_an_endpoint_shows_its_secret_once(api: httpx.AsyncClient) -> None:
    created = await made(api, events=["task.failed", "task.failed"], description="Alarms")

    assert created["id"].startswith("whe_")
    assert created["secret"].startswith("whsec_")
    shown = (await api.get(f"/v1/webhooks/{created['id']}")).json()
    assert shown == {name: value for name, value in created.items() if name != "secret"}
    assert (shown["events"], shown["description"], shown["enabled"]) == (["task.failed"], "Alarms", True)
    assert (await api.get("/v1/webhooks")).json() == {"items": [shown], "next_cursor": None}


async def test_what_is_changed_stays_changed_and_the_rest_stays(api: httpx.AsyncClient) -> None:
    path = f"/v1/webhooks/{(await made(api, description='$url'))['id']}"

    off = (await api.patch(path, json={"enabled": False, "events": None})).json()
    assert (off["enabled"], off["disabled_reason"], off["events"]) == (False, "switched off", ["*"])
    assert off["disabled_at"] is not None
    assert (await api.post(f"{path}/test")).status_code == 409
    on = (await api.patch(path, json={"enabled": True, "url": f"{URL}/2"})).json()

    assert (on["enabled"], on["disabled_reason"], on["disabled_at"]) == (True, None, None)
    assert (on["url"], on["description"]) == (f"{URL}/2", "$url")
    assert (await api.patch(path, json={})).json() == on


async def test_a_deleted_endpoint_is_unknown(api: httpx.AsyncClient) -> None:
    path = f"/v1/webhooks/{(await made(api))['id']}"

    assert (await api.delete(path)).status_code == 204

    assert (await api.delete(path)).status_code == 404
    answer = await api.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "webhook_not_found")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"url": None}, "url"),
        ({"url": 7}, "url"),
        ({"url": "http://shop.example.org/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://shop.example.org:8443/"}, "url"),
        ({"url": "https://a:b@shop.example.org/"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["task.exploded"]}, "events"),
        ({"events": "task.failed"}, "events"),
        ({"events": [{"$gt": ""}]}, "events"),
        ({"description": "x" * 501}, "description"),
        ({"enabled": "yes"}, "enabled"),
    ],
)
async def test_a_wrong_field_is_named(api: httpx.AsyncClient, fields: dict[str, Any], field: str) -> None:
    answer = await api.post("/v1/webhooks", json={"url": URL, **fields})

    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["details"]) == (
        422,
        "invalid_parameters",
        {"field": field},
    )
    assert error["message"].startswith(field)


async def test_twenty_endpoints_and_no_more_also_at_once(api: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(
        *(api.post("/v1/webhooks", json={"url": URL}) for _ in range(MOST_ENDPOINTS + 5))
    )

    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] * MOST_ENDPOINTS + [409] * 5
    assert len((await api.get("/v1/webhooks")).json()["items"]) == MOST_ENDPOINTS


async def test_a_test_is_recorded_for_that_endpoint(api: httpx.AsyncClient, database: Database) -> None:
    created = await made(api)

    answer = await api.post(f"/v1/webhooks/{created['id']}/test")

    assert answer.status_code == 202
    event = await database["account_events"].find_one({"_id": answer.json()["event_id"]})
    assert event is not None
    assert (event["type"], event["data"]["endpoint_id"]) == ("webhook.test", created["id"])


@pytest.mark.parametrize("seconds", [-1, 604_801, 1.5, True, "60"])
async def test_an_overlap_is_whole_seconds_of_at_most_a_week(api: httpx.AsyncClient, seconds: object) -> None:
    path = f"/v1/webhooks/{(await made(api))['id']}/rotate"

    answer = await api.post(path, json={"overlap_seconds": seconds})

    assert (answer.status_code, answer.json()["error"]["details"]) == (422, {"field": "overlap_seconds"})


async def test_a_rotation_shows_the_new_secret_once(api: httpx.AsyncClient) -> None:
    created = await made(api)

    rotated = (await api.post(f"/v1/webhooks/{created['id']}/rotate", json={})).json()

    assert rotated["secret"].startswith("whsec_")
    assert rotated["secret"] != created["secret"]
    assert "secret" not in (await api.get(f"/v1/webhooks/{created['id']}")).json()


async def test_nothing_of_another_account_can_be_seen_or_done(
    api: httpx.AsyncClient, other: httpx.AsyncClient, database: Database
) -> None:
    endpoint, sent = (await made(api))["id"], await delivery(database)
    stored = await database["webhook_endpoints"].find_one(), await database["deliveries"].find_one()
    for method, path in (
        ("GET", f"/v1/webhooks/{endpoint}"),
        ("PATCH", f"/v1/webhooks/{endpoint}"),
        ("DELETE", f"/v1/webhooks/{endpoint}"),
        ("POST", f"/v1/webhooks/{endpoint}/test"),
        ("POST", f"/v1/webhooks/{endpoint}/rotate"),
        ("GET", f"/v1/webhooks/deliveries/{sent}"),
        ("POST", f"/v1/webhooks/deliveries/{sent}/redeliver"),
    ):
        answer = await other.request(method, path, json={} if method in {"PATCH", "POST"} else None)
        assert answer.status_code == 404, (method, path)
    body = {"since": "2020-01-01T00:00:00Z"}
    assert (await other.post("/v1/webhooks/redeliver", json=body)).json()["redelivered"] == 0
    mixed = await other.post("/v1/webhooks/redeliver", json={**body, "endpoint": endpoint})
    assert mixed.status_code == 404
    for path in ("/v1/webhooks", "/v1/webhooks/deliveries", f"/v1/webhooks/deliveries?endpoint={endpoint}"):
        assert (await other.get(path)).json()["items"] == []
    assert stored == (
        await database["webhook_endpoints"].find_one(),
        await database["deliveries"].find_one(),
    )


async def test_deliveries_are_paged_newest_first(api: httpx.AsyncClient, database: Database) -> None:
    ids = sorted([await delivery(database) for _ in range(5)], reverse=True)
    seen, cursor = [], None
    while True:
        query = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = (await api.get("/v1/webhooks/deliveries", params=query)).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == ids


async def test_deliveries_are_filtered(api: httpx.AsyncClient, database: Database) -> None:
    endpoint = new_id(Prefix.ENDPOINT)
    wanted = await delivery(
        database, "delivered", endpoint_id=endpoint, event_id="evt_1", event="task.failed", task_id="gen_1"
    )
    await delivery(database)
    now = datetime.now(NOON.tzinfo)
    for query in (
        {"endpoint": endpoint},
        {"event": "task.failed"},
        {"state": "delivered"},
        {"task": "gen_1"},
        {"endpoint": endpoint, "state": "delivered", "from": (now - timedelta(hours=1)).isoformat()},
    ):
        found = (await api.get("/v1/webhooks/deliveries", params=query)).json()["items"]
        assert [one["id"] for one in found] == [wanted], query
    for query in (
        {"to": (now - timedelta(hours=1)).isoformat()},
        {"from": "2099-01-01T00:00:00Z"},
        {"endpoint": endpoint, "state": "pending"},
    ):
        assert (await api.get("/v1/webhooks/deliveries", params=query)).json()["items"] == [], query


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("cursor=x", "cursor"),
        ("state=lost", "state"),
        ("from=yesterday", "from"),
        ("to=2026-02-30T00:00:00Z", "to"),
        ("task=" + "x" * 101, "task"),
    ],
)
async def test_a_wrong_parameter_is_named(api: httpx.AsyncClient, query: str, field: str) -> None:
    answer = await api.get(f"/v1/webhooks/deliveries?{query}")

    assert (answer.status_code, answer.json()["error"]["details"]) == (422, {"field": field})


async def test_a_delivery_is_shown_with_payload_and_attempts(
    api: httpx.AsyncClient, database: Database
) -> None:
    shown = (await api.get(f"/v1/webhooks/deliveries/{await delivery(database)}")).json()

    assert shown["payload"] == {"a": 1}
    assert shown["attempts"] == [
        {
            "number": 1,
            "at": NOON.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "duration_ms": 5,
            "status": 500,
            "headers": {"server": "x"},
            "body": "no",
            "error": "answered 500",
        }
    ]
    assert (shown["state"], shown["last_status"], shown["next_attempt_at"]) == ("gave_up", 500, None)


@pytest.mark.parametrize("state", ["delivered", "gave_up"])
async def test_an_ended_delivery_is_due_again_with_the_same_bytes(
    api: httpx.AsyncClient, database: Database, clock: StillClock, state: str
) -> None:
    sent = await delivery(database, state)

    answer = await api.post(f"/v1/webhooks/deliveries/{sent}/redeliver")

    document = await database["deliveries"].find_one({"_id": sent})
    assert document is not None
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    assert (document["wake_at"], document["attempts_before"]) == (clock.now(), 1)
    assert bytes(document["body"]) == b'{"a":1}'


async def test_a_delivery_on_its_way_is_left_alone(api: httpx.AsyncClient, database: Database) -> None:
    later = NOON + timedelta(seconds=30)
    sent = await delivery(database, "pending", owner="own_1", wake_at=later)

    assert (await api.post(f"/v1/webhooks/deliveries/{sent}/redeliver")).status_code == 202

    document = await database["deliveries"].find_one({"_id": sent})
    assert document is not None
    assert (document["owner"], document["wake_at"]) == ("own_1", later)


async def test_a_delivery_is_not_repeated_for_ever(api: httpx.AsyncClient, database: Database) -> None:
    sent = await delivery(database, attempts=[{"at": NOON, "status": 500, "error": "x"}] * MOST_ATTEMPTS)

    answer = await api.post(f"/v1/webhooks/deliveries/{sent}/redeliver")

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "too_many_attempts")


async def test_all_that_gave_up_since_a_time_are_due_again(
    api: httpx.AsyncClient, database: Database
) -> None:
    endpoint = (await made(api))["id"]
    late = await delivery(database, endpoint_id=endpoint, event_id="evt_1")
    callback = await delivery(database)
    await delivery(database, "delivered")
    body = {"since": NOON.isoformat()}

    one = (await api.post("/v1/webhooks/redeliver", json={**body, "endpoint": endpoint})).json()
    assert one == {"redelivered": 1, "has_more": False}
    assert (await api.post("/v1/webhooks/redeliver", json=body)).json()["redelivered"] == 1
    later = {"since": (NOON + timedelta(seconds=1)).isoformat()}
    assert (await api.post("/v1/webhooks/redeliver", json=later)).json()["redelivered"] == 0
    pending = await database["deliveries"].distinct("_id", {"state": "pending"})
    assert set(pending) == {late, callback}


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({}, "account_id_1_state_1__id_-1"),
        ({"state": "gave_up"}, "account_id_1_state_1__id_-1"),
        ({"endpoint_id": "whe_1"}, "of_endpoints"),
        ({"task_id": "gen_1"}, "of_tasks"),
    ],
)
async def test_lists_come_in_order_through_an_index(
    database: Database, query: dict[str, str], index: str
) -> None:
    for number in range(200):
        ended = "delivered" if number % 2 else "gave_up"
        await delivery(database, ended, endpoint_id=f"whe_{number % 7}", event_id=f"evt_{number}")
    where = {"account_id": "acc_1", "state": {"$in": ["pending", "delivered", "gave_up"]}, **query}
    plan = await database["deliveries"].find(where).sort("_id", -1).limit(21).explain()

    winning = str(plan["queryPlanner"]["winningPlan"])
    assert f"'indexName': '{index}'" in winning
    # A task has few; all others would be many.
    assert ("'stage': 'SORT'," in winning) == ("task_id" in query)
