"""The request log (the overview, "Notes"): request id, key, model, status, latency, credit cost and more."""

from __future__ import annotations

from typing import Any

from shared.accounts.key import Keys
from tests.harness.client import Customer
from tests.harness.eventually import eventually
from tests.harness.stack import Stack

CHAT = {"model": "openai/gpt-5", "messages": [{"role": "user", "content": "a hen"}]}


async def logged(customer: Customer, entries: int, **query: Any) -> list[dict[str, Any]]:
    """The log once it is that long; reading it makes entries too, so these are left out."""
    found: list[dict[str, Any]] = []

    async def is_there() -> bool:
        answer = await customer.http.get("/api/v1/logs", params={"limit": 100, **query})
        assert answer.status_code == 200, answer.text
        found[:] = [entry for entry in answer.json()["data"] if entry["path"] != "/api/v1/logs"]
        return len(found) >= entries

    await eventually(is_there)
    return found


async def test_requests_of_all_dialects_are_logged_newest_first(customer: Customer, stack: Stack) -> None:
    chat = await customer.http.post(
        "/api/v1/chat/completions", json=CHAT, headers={"X-Request-Id": "my-own-id"}
    )
    egg = await customer.post()
    images = {"model": "google/nano-banana", "prompt": "a hen", "n": 2}
    image = await customer.http.post("/api/v1/images/generations", json=images)
    wrong = await customer.http.post("/api/v1/embeddings", json={"model": "openai/gpt-5", "input": "x"})

    entries = await logged(customer, 4)
    assert [entry["status"] for entry in entries] == [404, 200, 202, 200]
    first = entries[-1]
    assert first == {
        "id": first["id"],
        "object": "request_log",
        "request_id": "my-own-id",
        "key_id": customer.key_id,
        "dialect": "openai",
        "method": "POST",
        "path": "/api/v1/chat/completions",
        "status": 200,
        "latency_ms": first["latency_ms"],
        "model": "openai/gpt-5",
        "task_id": chat.json()["id"],
        "credit_cost": 3,
        "at": first["at"],
    }
    assert first["at"].endswith("Z")
    facts = [(one["dialect"], one["model"], one["task_id"], one["credit_cost"]) for one in entries[:3]]
    assert facts == [
        ("openai", "openai/gpt-5", None, 0),
        ("openai", "google/nano-banana", image.json()["task_id"], 8),
        ("eggapi", "nanobanana", egg.json()["data"]["id"], 0),
    ]
    assert wrong.headers["x-request-id"] == entries[0]["request_id"]


async def test_the_log_is_read_in_pages_and_filtered(customer: Customer, stack: Stack) -> None:
    keys = Keys(stack.database, stack.clock, stack.settings().key_pepper)
    key_id, key = await keys.create(customer.account_id)
    for _ in range(3):
        await customer.http.get("/api/v1/models")
    await customer.http.get("/api/v1/tasks/img_1", headers={"Authorization": f"Bearer {key}"})
    await customer.http.post("/api/v1/images/generations", json={"model": "x/y", "prompt": "a"})

    everything = await logged(customer, 5)
    ids = [entry["id"] for entry in everything]
    assert ids == sorted(ids, reverse=True)
    before = everything[0]["id"]
    page = (await customer.http.get("/api/v1/logs", params={"limit": 2, "cursor": before})).json()
    assert [entry["id"] for entry in page["data"]] == ids[1:3]
    assert (page["has_more"], page["next_cursor"]) == (True, ids[2])
    rest = (await customer.http.get("/api/v1/logs", params={"limit": 2, "cursor": ids[2]})).json()
    assert [entry["id"] for entry in rest["data"]] == ids[3:]
    assert (rest["has_more"], rest["next_cursor"]) == (False, None)

    assert [entry["status"] for entry in await logged(customer, 2, status=404)] == [404, 404]
    assert [entry["model"] for entry in await logged(customer, 1, model="x/y")] == ["x/y"]
    assert [entry["key_id"] for entry in await logged(customer, 1, key_id=key_id)] == [key_id]
    newest = everything[0]["at"]
    assert before in {entry["id"] for entry in await logged(customer, 1, **{"from": newest})}
    assert before not in {entry["id"] for entry in await logged(customer, 0, to=newest)}


async def test_another_accounts_requests_are_not_shown(customer: Customer, stack: Stack) -> None:
    async with await stack.customer() as other:
        await other.http.get("/api/v1/models")
        await logged(other, 1)

        assert await logged(customer, 0) == []
