"""Webhooks, verified as the platform's page "Webhooks" says: HMAC of the raw body with the key's secret."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from tests.contract.aigenway.client import IMAGE, TEXT, AigenwayCustomer
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

IN_NODE = """
const crypto = require("node:crypto");
const hmac = crypto.createHmac("sha256", process.env.SECRET).update(process.env.BODY);
const expected = "sha256=" + hmac.digest("hex");
const given = process.env.SIGNATURE;
const same = given.length === expected.length
  && crypto.timingSafeEqual(Buffer.from(given), Buffer.from(expected));
process.exit(same ? 0 : 1);
"""


def body_of(post: Mapping[str, Any]) -> bytes:
    """Exactly what came."""
    return base64.b64decode(post["body_base64"])


def headers_of(post: Mapping[str, Any]) -> dict[str, str]:
    return {name.lower(): value for name, value in post["headers"].items()}


def verified(post: Mapping[str, Any], secret: str) -> dict[str, Any]:
    """The payload, if it is signed as documented."""
    headers, body = headers_of(post), body_of(post)
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(headers["x-aggregator-signature"], f"sha256={digest}")
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"] == "aiagg-webhook/1.0"
    payload = json.loads(body)
    assert headers["x-aggregator-event"] == payload["event"] == "generation.completed"
    assert headers["x-aggregator-task-id"] == payload["task_id"]
    return dict(payload)


@pytest.mark.parametrize("place", ["beside", "inside", "both"])
async def test_success_is_told_to_the_address_beside_params_or_in_them(
    simulator: Simulator, customer: AigenwayCustomer, place: str
) -> None:
    name = uuid.uuid4().hex
    inside = {"callback_url": simulator.sink(name if place == "inside" else f"{name}-not")}
    beside = {"callback_url": simulator.sink(name)}
    params = {"prompt": "a cat", **(inside if place != "beside" else {})}

    task_id = await customer.queued(IMAGE, params=params, **(beside if place != "inside" else {}))

    (post,) = await simulator.posts(name)
    result = (await customer.finished(task_id))["result"]
    assert verified(post, customer.webhook_secret) == {
        "event": "generation.completed",
        "task_id": task_id,
        "status": "succeeded",
        **IMAGE,
        "charged_amount": "12000000",
        "currency": "USD",
        "result": result,
        "error": None,
    }


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js on this machine")
async def test_a_receiver_in_node_accepts_the_signature_and_refuses_another(
    simulator: Simulator, customer: AigenwayCustomer
) -> None:
    name = uuid.uuid4().hex
    await customer.queued(IMAGE, params={"prompt": "кот в шляпе"}, callback_url=simulator.sink(name))
    (post,) = await simulator.posts(name)
    signature = headers_of(post)["x-aggregator-signature"]

    async def accepted(body: str) -> bool:
        env = {"SECRET": customer.webhook_secret, "BODY": body, "SIGNATURE": signature}
        process = await asyncio.create_subprocess_exec(
            *("node", "-e", IN_NODE), env={"PATH": os.environ["PATH"], **env}
        )
        return await process.wait() == 0

    assert await accepted(body_of(post).decode())
    assert not await accepted(body_of(post).decode() + " ")


async def test_failure_and_cancelling_are_told_under_the_same_event(
    simulator: Simulator, customer: AigenwayCustomer
) -> None:
    name, prompt = uuid.uuid4().hex, f"indecent {uuid.uuid4().hex}"
    held_up = f"held up {uuid.uuid4().hex}"
    await simulator.rules(
        {"provider": "*", "when": {"prompt_contains": prompt}, "then": {"fault": "refusal"}},
        {"provider": "*", "when": {"prompt_contains": held_up}, "latency_ms": 600_000},
    )
    failing = await customer.queued(IMAGE, params={"prompt": prompt}, callback_url=simulator.sink(name))
    (post,) = await simulator.posts(name)
    unwanted = await customer.queued(IMAGE, params={"prompt": held_up}, callback_url=simulator.sink(name))
    await customer.http.post(f"/v1/tasks/{unwanted}/cancel")
    failed, cancelled = (
        verified(one, customer.webhook_secret) for one in await simulator.posts(name, count=2)
    )

    assert verified(post, customer.webhook_secret) == failed
    assert (failed["task_id"], failed["status"], failed["result"]) == (failing, "failed", None)
    assert (failed["charged_amount"], failed["error"]["code"]) == ("0", "task_failed")
    assert failed["error"]["message"].startswith("Content moderation: ")
    assert (cancelled["task_id"], cancelled["status"]) == (unwanted, "cancelled")
    assert cancelled["error"] == {"code": "task_failed", "message": "Task was cancelled"}


async def test_a_text_is_told_as_well(simulator: Simulator, customer: AigenwayCustomer) -> None:
    name = uuid.uuid4().hex

    answer = await customer.generate(TEXT, params={"prompt": "an egg"}, callback_url=simulator.sink(name))

    (post,) = await simulator.posts(name)
    told = verified(post, customer.webhook_secret)
    assert (told["status"], told["result"]) == ("succeeded", answer.json()["result"])


async def test_a_key_without_a_secret_signs_with_its_accounts(stack: Stack, simulator: Simulator) -> None:
    name = uuid.uuid4().hex
    async with await stack.customer("1") as older:
        await older.http.post(
            "/v1/generations",
            json={**IMAGE, "params": {"prompt": "a cat"}, "callback_url": simulator.sink(name)},
        )
        (post,) = await simulator.posts(name)

    assert verified(post, older.webhook_secret)["status"] == "succeeded"


async def test_a_key_made_on_the_command_line_shows_its_secret_once(
    stack: Stack, simulator: Simulator
) -> None:
    name = uuid.uuid4().hex
    async with await stack.customer("1") as owner:
        made = await stack.hatchery("key", "create", owner.account_id)
        assert (await stack.database["keys"].find_one({"_id": made["key_id"]}))["webhook_secret"] != made[
            "webhook_secret"
        ]
        await owner.http.post(
            "/v1/generations",
            json={**IMAGE, "params": {"prompt": "a cat"}, "callback_url": simulator.sink(name)},
            headers={"Authorization": f"Bearer {made['api_key']}"},
        )
        (post,) = await simulator.posts(name)

    assert verified(post, made["webhook_secret"])["status"] == "succeeded"
