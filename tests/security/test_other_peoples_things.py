"""Ids of others lead nowhere, on any route, as if there were nothing."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from shared.ids import Prefix, new_id
from shared.payments.codes import Codes
from tests.contract.aigenway.client import IMAGE as AIGENWAY_TARGET
from tests.harness.client import Customer
from tests.harness.stack import Stack
from tests.security.routes import Route, keyed_routes

IMAGE = {"model": "nanobanana", "prompt": "a hen in a hat"}
AIGENWAY_IMAGE = {**AIGENWAY_TARGET, "params": {"prompt": "a hen in a hat"}}
AS_ONE = {"X-Request-Id": "one-and-the-same"}
"""Some dialects repeat it in their errors."""


async def _ids(owner: Customer) -> dict[str, str]:
    """A task of each kind that has an id, by the beginning of that."""
    made = {"gen": await owner.submit()}
    offered = (await owner.http.get("/api/v1/models")).json()["data"]
    for path, body in (
        ("/api/v1/images/generations", {"prompt": "a hen"}),
        ("/api/v1/chat/completions", {"messages": [{"role": "user", "content": "hello"}]}),
    ):
        for model in offered:
            answer = await owner.http.post(path, json={"model": model["id"], **body})
            if answer.status_code in {200, 202}:
                made[path] = _id_in(answer)
                break
    queued = await owner.http.post("/v1/generations", json=AIGENWAY_IMAGE)
    made["tsk"] = _id_in(queued)
    assert len(made) == 4, made
    return made


async def _webhooks(owner: Customer) -> list[str]:
    """An endpoint, and a delivery to it."""
    made = await owner.http.post("/v1/webhooks", json={"url": "http://127.0.0.1:9/"})
    endpoint = str(made.json()["id"])
    tested = await owner.http.post(f"/v1/webhooks/{endpoint}/test")
    assert tested.status_code == 202, tested.text
    while True:
        found = (await owner.http.get("/v1/webhooks/deliveries")).json()["items"]
        if found:
            return [endpoint, str(found[0]["id"])]
        await asyncio.sleep(0.1)


async def _topup(stack: Stack, owner: Customer) -> str:
    codes = Codes(stack.database, stack.clock)
    ((_, code),) = await codes.create(1_000_000_000, 1, stack.settings().key_pepper)
    return _id_in(await owner.http.post("/v1/topups/redeem", json={"code": code}))


async def test_no_route_shows_or_changes_what_belongs_to_somebody_else(stack: Stack) -> None:
    routes = [route for route in await keyed_routes() if route.names_something]
    assert len(routes) >= 5
    async with await stack.customer() as owner, await stack.customer() as other:
        tasks, webhooks = [*(await _ids(owner)).values()], await _webhooks(owner)
        ids = [*tasks, *webhooks, await _topup(stack, owner)]
        nothing = new_id(Prefix.EGGAPI_TASK)
        for route in routes:
            unknown = await _ask(other, route, nothing)
            for task_id in ids:
                answer = await _ask(other, route, task_id)
                assert answer.status_code == 404, (route, task_id, answer.text)
                if task_id.startswith("gen_"):
                    assert (answer.status_code, answer.text) == (unknown.status_code, unknown.text), route
        for one in webhooks:
            folder = "" if one.startswith("whe_") else "deliveries/"
            assert (await owner.http.get(f"/v1/webhooks/{folder}{one}")).status_code == 200
        for task_id in tasks:
            stored = await stack.stored(task_id)
            assert stored.account_id == owner.account_id
            assert stored.cancel_requested_at is None


async def test_the_owner_does_find_them(stack: Stack) -> None:
    """Or the test above would pass with ids that nobody can find."""
    routes = [route for route in await keyed_routes() if route.names_something and route.method == "GET"]
    async with await stack.customer() as owner:
        tasks = [*(await _ids(owner)).values()]
        await owner.finished(tasks[0])
        ids = [*tasks, *(await _webhooks(owner)), await _topup(stack, owner)]
        for route in routes:
            if route.path.endswith("/events"):
                continue
            statuses = [(await _ask(owner, route, task_id)).status_code for task_id in ids]
            assert 200 in statuses, route


async def test_two_accounts_may_use_the_same_idempotency_key(stack: Stack) -> None:
    async with await stack.customer() as one, await stack.customer() as other:
        header = {"Idempotency-Key": "the-same-key-of-both"}
        ids = {
            (await customer.http.post("/v1/generate", json=IMAGE, headers=header)).json()["data"]["id"]
            for customer in (one, other)
        }
    assert len(ids) == 2


async def test_lists_hold_nothing_of_others(stack: Stack) -> None:
    async with await stack.customer() as owner, await stack.customer() as other:
        task_id = await owner.submit()
        await owner.finished(task_id)
        for route in await keyed_routes():
            if route.method == "GET" and not route.names_something:
                assert task_id not in (await other.http.get(route.path)).text, route
                assert owner.account_id not in (await other.http.get(route.path)).text, route


@pytest.mark.parametrize("path", ["/v1/generate", "/api/v1/images/generations", "/v1/generations"])
async def test_fields_that_are_nobodys_business_are_ignored_or_refused(stack: Stack, path: str) -> None:
    claimed = {
        "account_id": "acc_other",
        "account": "acc_other",
        "key_id": "key_other",
        "credits": 1e9,
        "cost": 0,
        "quote": {"hold_nano": 0},
        "hold_nano": 0,
        "state": "completed",
        "status": "completed",
        "_id": "gen_mine",
        "id": "gen_mine",
        "outputs": [{"key": "images/x/0.png"}],
        "deadline_at": "2099-01-01T00:00:00Z",
        "version": 99,
        "mode": "fast",
        "cancel_requested_at": "2020-01-01T00:00:00Z",
    }
    async with await stack.customer("1") as customer:
        models = [one["id"] for one in (await customer.http.get("/api/v1/models")).json()["data"]]
        bodies = [{**IMAGE, "model": model} for model in ["nanobanana", *models]]
        for body in [AIGENWAY_IMAGE] if path == "/v1/generations" else bodies:
            answer = await customer.http.post(path, json={**claimed, **body})
            if answer.status_code in {200, 202}:
                break
        assert answer.status_code in {200, 202}, answer.text
        task = await stack.stored(_id_in(answer))
        assert task.id != "gen_mine"
        assert (task.account_id, task.key_id) == (customer.account_id, customer.key_id)
        assert task.quote.hold_nano > 0
        assert task.version < 99
        assert task.deadline_at.year < 2099
        assert task.cancel_requested_at is None
        balance = await stack.balance(customer)
        assert balance.available + balance.held + balance.spent == 1_000_000_000
        assert balance.held + balance.spent == task.quote.hold_nano


@pytest.mark.parametrize(
    "path",
    [
        "/admin",
        "/internal",
        "/debug",
        "/.env",
        "/openapi.json",
        "/v1/accounts",
        "/v1/admin/accounts",
        "/v1/keys",
        "/v1/tasks/../admin",
        "/v1/topup",
        "/api/v1/admin",
        "/api/v1/ledger",
    ],
)
async def test_there_is_nothing_for_operators_on_the_customers_port(stack: Stack, path: str) -> None:
    async with await stack.customer("0") as customer:
        for method in ("GET", "POST", "DELETE"):
            answer = await customer.http.request(method, path)
            assert answer.status_code in {401, 404, 405}, (method, answer.text)


def _id_in(answer: httpx.Response) -> str:
    """Each dialect has its own place for it."""
    body = answer.json()
    return str(body.get("task_id") or body.get("id") or body["data"]["id"])


async def _ask(customer: Customer, route: Route, task_id: str) -> httpx.Response:
    return await customer.http.request(route.method, route.at(task_id), headers=AS_ONE)
