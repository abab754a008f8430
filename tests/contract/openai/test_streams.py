"""Streamed chats, event by event, and what becomes of the credits when something breaks."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI

from shared.accounts.key import Keys
from shared.tasks.model import Task
from tests.harness.client import Customer
from tests.harness.eventually import eventually
from tests.harness.rules import rule
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

CENTS = 10_000_000
FINAL = ("completed", "failed", "cancelled")


def chat(prompt: str, **fields: Any) -> dict[str, Any]:
    return {
        "model": "openai/gpt-5",
        "messages": [{"role": "user", "content": prompt}],
        "stream": True,
        **fields,
    }


@pytest.fixture
def prompt() -> str:
    """Words that no other test says."""
    return f"hen {uuid.uuid4().hex}"


async def events_of(customer: Customer, body: dict[str, Any]) -> tuple[httpx.Response, list[Any]]:
    """Everything up to the end of the answer; `[DONE]` as text."""
    async with customer.http.stream("POST", "/api/v1/chat/completions", json=body) as answer:
        text = (await answer.aread()).decode()
    if answer.status_code != 200:
        return answer, [json.loads(text)]
    blocks = text.split("\n\n")
    assert blocks.pop() == ""
    data = [block.removeprefix("data: ") for block in blocks]
    return answer, [one if one == "[DONE]" else json.loads(one) for one in data]


async def the_task(stack: Stack, customer: Customer) -> Task:
    """The customer's only task, once it is final."""

    async def is_final() -> bool:
        found = await stack.database["tasks"].find_one({"account_id": customer.account_id})
        return found is not None and found["state"] in FINAL

    await eventually(is_final)
    document = await stack.database["tasks"].find_one({"account_id": customer.account_id})
    return Task.model_validate(document)


async def test_a_stream_is_chunks_and_done(customer: Customer, prompt: str) -> None:
    answer, events = await events_of(customer, chat(prompt))

    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-request-id"]
    assert events.pop() == "[DONE]"
    first, last = events[0], events[-1]
    assert first == {
        "id": first["id"],
        "object": "chat.completion.chunk",
        "created": first["created"],
        "model": "openai/gpt-5",
        "choices": [
            {
                "index": 0,
                "delta": {"role": "assistant", "content": first["choices"][0]["delta"]["content"]},
                "logprobs": None,
                "finish_reason": None,
            }
        ],
    }
    assert last["choices"] == [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}]


async def test_usage_comes_in_a_chunk_without_choices_if_asked_for(customer: Customer, prompt: str) -> None:
    _, events = await events_of(customer, chat(prompt, stream_options={"include_usage": True}))

    *others, counted, _ = events
    assert all(chunk["usage"] is None for chunk in others)
    assert counted["choices"] == []
    assert counted["usage"]["total_tokens"] > 0


async def test_the_next_route_answers_when_the_first_fails(
    customer: Customer, stack: Stack, simulator: Simulator, prompt: str
) -> None:
    await simulator.rules(rule("openrouter", prompt, "http_500"))
    _, events = await events_of(customer, chat(prompt))

    assert events[-1] == "[DONE]"
    task = await the_task(stack, customer)
    assert [attempt.provider for attempt in task.attempts] == ["openrouter", "openai"]
    assert task.cost_nano == 3 * CENTS


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("http_500", 502, "provider_error"),
        ("refusal", 400, "content_policy_violation"),
        ("caller_fault", 400, "invalid_request_error"),
    ],
)
async def test_a_failure_before_the_first_word_is_an_ordinary_error_and_costs_nothing(
    customer: Customer,
    stack: Stack,
    simulator: Simulator,
    prompt: str,
    stream: bool,
    fault: str,
    status: int,
    code: str,
) -> None:
    await simulator.rules(rule("*", prompt, fault))
    answer, [body] = await events_of(customer, chat(prompt, stream=stream))

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert body["error"]["type"] == body["error"]["code"] == code
    assert (answer.headers.get("x-should-retry") == "false") == (status == 400)
    task = await the_task(stack, customer)
    assert (task.state, task.cost_nano) == ("failed", 0)
    assert (await stack.balance(customer)).held == 0


@pytest.mark.parametrize("fault", ["cut_stream", "error_in_200", "malformed_chunk"])
async def test_a_failure_in_mid_stream_is_an_error_event_without_done_and_costs_nothing(
    customer: Customer, stack: Stack, simulator: Simulator, prompt: str, fault: str
) -> None:
    await simulator.rules(rule("*", prompt, fault, count=2))
    answer, events = await events_of(customer, chat(prompt))

    assert answer.status_code == 200
    *pieces, error = events
    assert pieces
    assert all(piece["choices"][0]["finish_reason"] is None for piece in pieces)
    assert error == {
        "error": {
            "message": "The answer broke off before its end",
            "type": "provider_error",
            "code": "provider_error",
        }
    }
    task = await the_task(stack, customer)
    assert (task.state, task.cost_nano) == ("failed", 0)


async def test_a_client_that_leaves_ends_the_call_and_pays_for_what_it_has_read(
    customer: Customer, stack: Stack, simulator: Simulator, prompt: str
) -> None:
    await simulator.rules({**rule("openrouter", prompt), "chunk_delay_ms": 300})
    async with customer.http.stream("POST", "/api/v1/chat/completions", json=chat(prompt)) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                break

    task = await the_task(stack, customer)
    assert (task.state, task.cost_nano) == ("completed", 3 * CENTS)
    assert task.tokens is not None
    assert task.tokens.estimated
    assert task.tokens.input_tokens == -(-len(prompt) // 4)
    assert 0 < task.tokens.output_tokens < 40
    assert [job["state"] for job in await simulator.jobs(prompt)] == ["cancelled"]


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_a_client_that_leaves_before_the_first_word_pays_nothing(
    customer: Customer, stack: Stack, simulator: Simulator, prompt: str, stream: bool
) -> None:
    await simulator.rules(rule("openrouter", prompt, latency_ms=20_000))
    asking = asyncio.create_task(
        customer.http.post("/api/v1/chat/completions", json=chat(prompt, stream=stream))
    )
    await eventually(lambda: _is_asked(simulator, prompt))
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    task = await the_task(stack, customer)
    assert (task.state, task.cost_nano) == ("cancelled", 0)
    await eventually(lambda: _is_cancelled(simulator, prompt))


async def _is_asked(simulator: Simulator, prompt: str) -> bool:
    return bool(await simulator.jobs(prompt))


async def _is_cancelled(simulator: Simulator, prompt: str) -> bool:
    return [job["state"] for job in await simulator.jobs(prompt)] == ["cancelled"]


async def test_too_many_requests_are_a_rate_limit_error_to_the_official_client(
    stack: Stack, customer: Customer
) -> None:
    keys = Keys(stack.database, stack.clock, stack.settings().key_pepper)
    _, key = await keys.create(customer.account_id, requests_per_minute=1)
    async with AsyncOpenAI(base_url=f"{stack.api_url}/api/v1", api_key=key, max_retries=0) as client:
        with pytest.raises(openai.RateLimitError) as caught:
            await _list_often(client)

    assert caught.value.code == "rate_limit_exceeded"
    assert int(caught.value.response.headers["retry-after"]) >= 1


async def _list_often(client: AsyncOpenAI) -> None:
    for _ in range(4):
        await client.models.list()
