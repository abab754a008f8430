"""Endpoints of an account, from a request of a customer to the POST that tells of it."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from typing import Any

from standardwebhooks import Webhook

from tests.harness.simulator import Simulator
from tests.harness.stack import Stack


async def test_an_endpoint_hears_of_a_task_without_a_callback_and_can_hear_again(
    stack: Stack, simulator: Simulator
) -> None:
    name = uuid.uuid4().hex
    async with await stack.customer() as customer:
        made = await customer.http.post("/v1/webhooks", json={"url": simulator.sink(name)})
        endpoint, secret = made.json()["id"], made.json()["secret"]
        task_id = await customer.submit()
        posts = await simulator.posts(name, 1)
        told = verified(posts[0], secret)

        query = {"endpoint": endpoint, "task": task_id}
        while True:
            (row,) = (await customer.http.get("/v1/webhooks/deliveries", params=query)).json()["items"]
            if row["state"] == "delivered":
                break
            await asyncio.sleep(0.05)
        again = await customer.http.post(f"/v1/webhooks/deliveries/{row['id']}/redeliver")
        assert again.status_code == 202
        posts = await simulator.posts(name, 2)
        await customer.http.delete(f"/v1/webhooks/{endpoint}")

    assert (told["type"], told["data"]["task_id"]) == ("task.completed", task_id)
    assert told["data"]["output_urls"]
    assert verified(posts[1], secret) == told
    assert posts[0]["body_base64"] == posts[1]["body_base64"]
    assert {headers_of(post)["webhook-id"] for post in posts} == {row["id"]}


async def test_a_test_comes_within_seconds(stack: Stack, simulator: Simulator) -> None:
    name = uuid.uuid4().hex
    async with await stack.customer() as customer:
        body = {"url": simulator.sink(name), "events": ["task.failed"]}
        made = (await customer.http.post("/v1/webhooks", json=body)).json()
        event = (await customer.http.post(f"/v1/webhooks/{made['id']}/test")).json()["event_id"]
        posts = await simulator.posts(name, 1)
        await customer.http.delete(f"/v1/webhooks/{made['id']}")

    told = verified(posts[0], made["secret"])
    assert (told["id"], told["type"], told["data"]["endpoint_id"]) == (event, "webhook.test", made["id"])


def headers_of(post: dict[str, Any]) -> dict[str, str]:
    return {name.lower(): value for name, value in post["headers"].items()}


def verified(post: dict[str, Any], secret: str) -> dict[str, Any]:
    """The payload, as the official package takes it."""
    body = base64.b64decode(post["body_base64"])
    assert Webhook(secret).verify(body, headers_of(post)) == json.loads(body)
    return dict(json.loads(body))
