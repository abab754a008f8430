"""Keys that are wrong, revoked, expired or too busy, over several api processes."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from datetime import timedelta

import httpx
import pytest

from services.api.auth import CACHE_SECONDS
from services.api.scopes import Scope
from shared.accounts.key import Keys, new_key
from tests.contract.aigenway.client import IMAGE as TARGET
from tests.harness.client import Customer
from tests.harness.stack import Stack
from tests.security.routes import keyed_routes

IMAGE = {**TARGET, "params": {"prompt": "a hen in a hat"}}


def _keys(stack: Stack) -> Keys:
    return Keys(stack.database, stack.clock, stack.settings().key_pepper)


async def test_bad_unknown_revoked_and_expired_keys_are_answered_alike_on_every_route(
    own_stack: Stack,
) -> None:
    await own_stack.start("api", env={"HATCHERY_REFUSALS_PER_SECOND": "100000"})
    keys = _keys(own_stack)
    async with await own_stack.customer() as customer:
        revoked_id, revoked = await keys.create(customer.account_id)
        await keys.revoke(revoked_id)
        past = own_stack.clock.now() - timedelta(seconds=1)
        _, expired = await keys.create(customer.account_id, expires_at=past)
    wrong = ["nonsense", new_key(), revoked[:-1] + ("a" if revoked[-1] != "a" else "b"), revoked, expired]
    async with httpx.AsyncClient(base_url=own_stack.api_url) as client:
        for route in await keyed_routes():
            path = route.at("gen_01k6x0v7w3h2m9q4x1b8c5d7ef")
            answers = [
                await client.request(
                    route.method,
                    path,
                    headers={"Authorization": f"Bearer {key}", "X-Request-Id": "one-and-the-same"},
                )
                for key in wrong
            ]
            missing = await client.request(route.method, path)
            assert {answer.status_code for answer in (*answers, missing)} == {401}, route
            assert len({answer.content for answer in answers}) == 1, route
            shapes = {str(sorted(answer.json())) for answer in (*answers, missing)}
            assert len(shapes) == 1, route
            assert {answer.headers["www-authenticate"] for answer in answers} == {"Bearer"}


async def test_a_key_is_no_good_for_what_is_beyond_its_scopes(stack: Stack) -> None:
    async with await stack.customer() as customer:
        _, key = await _keys(stack).create(customer.account_id, scopes=[Scope.MODELS_READ])
    reader = Customer(stack.api_url, customer.account_id, "", key, "")
    async with reader:
        for route in await keyed_routes():
            path = route.at("gen_01k6x0v7w3h2m9q4x1b8c5d7ef")
            answer = await reader.http.request(
                route.method, path, json=IMAGE if route.method == "POST" else None
            )
            allowed = route.path in {"/api/v1/models", "/v1/methods", "/v1/prices", "/v1/estimate"}
            assert answer.status_code == (200 if allowed else 403), (route, answer.text)


async def test_a_revoked_key_stops_working_in_every_process_long_before_it_is_forgotten(
    own_stack: Stack,
) -> None:
    await own_stack.start("api", count=2)
    async with await own_stack.customer() as customer:
        # As many connections as it takes to meet both processes.
        connections = [customer.connection() for _ in range(16)]
        assert await _statuses(connections) == {200}
        served = [program for program in own_stack.of("api") if "listening" in program.log.read_text()]
        assert len(served) == 2
        remembered = time.monotonic()
        await _keys(own_stack).revoke(customer.key_id)
        await own_stack.announce_revocation(customer.key_id)
        while await _statuses(connections) != {401}:
            pass
        # Not the end of the memory but the event did it.
        assert time.monotonic() - remembered < CACHE_SECONDS / 2
        for connection in connections:
            await connection.aclose()


async def _statuses(connections: list[httpx.AsyncClient]) -> set[int]:
    answers = await asyncio.gather(*(connection.get("/v1/tasks") for connection in connections))
    return {answer.status_code for answer in answers}


async def test_a_rate_limit_admits_its_burst_over_two_processes_and_nothing_more(own_stack: Stack) -> None:
    await own_stack.start("api", count=2)
    async with await own_stack.customer() as customer:
        _, key = await _keys(own_stack).create(customer.account_id, requests_per_minute=60)
        limited = Customer(own_stack.api_url, customer.account_id, "", key, "")
        connections = [limited.connection() for _ in range(16)]
        began = time.monotonic()
        answers = await asyncio.gather(*(connections[n % 16].get("/v1/tasks") for n in range(200)))
        seconds = time.monotonic() - began
        for connection in [*connections, limited.http]:
            await connection.aclose()

    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) == {200, 429}
    # One more for each second that has passed meanwhile.
    assert 60 <= statuses[200] <= 60 + int(seconds)
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["error"]["code"] == "RATE_LIMITED"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    assert {answer.headers["x-ratelimit-limit-requests"] for answer in answers} == {"60"}


async def test_a_limit_that_comes_back_slowly_is_exact(own_stack: Stack) -> None:
    await own_stack.start("api", count=2, env={"HATCHERY_ACCOUNT_REQUESTS_PER_MINUTE": "2"})
    keys = _keys(own_stack)
    async with await own_stack.customer() as customer:
        every = [(await keys.create(customer.account_id, requests_per_minute=1))[1] for _ in range(5)]
        async with httpx.AsyncClient(base_url=own_stack.api_url) as client:
            answers = await asyncio.gather(
                *(
                    client.get("/api/v1/models", headers={"Authorization": f"Bearer {every[n % 5]}"})
                    for n in range(50)
                )
            )
    assert Counter(answer.status_code for answer in answers) == {200: 2, 429: 48}
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"


@pytest.mark.parametrize("forwarded", ["198.51.100.7", ""])
async def test_who_guesses_keys_is_told_to_wait_and_others_at_his_address_are_not(
    own_stack: Stack, forwarded: str
) -> None:
    await own_stack.start("api", env={"HATCHERY_REFUSALS_PER_SECOND": "5"})
    headers = {"Authorization": "Bearer sk_live_guess", "X-Forwarded-For": forwarded}
    async with await own_stack.customer() as customer:
        async with httpx.AsyncClient(base_url=own_stack.api_url) as client:
            guesses = await asyncio.gather(*(client.get("/v1/tasks", headers=headers) for _ in range(60)))
        valid = await customer.http.get("/v1/tasks")
    statuses = Counter(answer.status_code for answer in guesses)
    assert statuses[429] > 0
    assert set(statuses) == {401, 429}
    assert valid.status_code == 200
