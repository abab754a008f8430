from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionChunk

from tests.contract.simulator.callers import jobs, put_rules, set_fault

_ASKED: Any = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "a hen"}], "stream": True}


@pytest.fixture
async def client(sim: httpx.AsyncClient) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{sim.base_url}/openai/v1", api_key="test", max_retries=0) as made:
        yield made


async def _read(client: AsyncOpenAI, into: list[ChatCompletionChunk], **values: Any) -> None:
    async for chunk in await client.chat.completions.create(**_ASKED, **values):
        into.append(chunk)  # noqa: PERF401 - what comes before an error counts


def _text(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


async def _states(sim: httpx.AsyncClient) -> list[str]:
    return [job["state"] for job in await jobs(sim)]


async def test_a_stream_brings_the_whole_answer_in_pieces(
    sim: httpx.AsyncClient, client: AsyncOpenAI
) -> None:
    chunks: list[ChatCompletionChunk] = []
    await _read(client, chunks)
    whole = await client.chat.completions.create(**{**_ASKED, "stream": False})
    assert _text(chunks) == whole.choices[0].message.content
    assert len(chunks) == 12
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert len({chunk.id for chunk in chunks}) == 1
    assert await _states(sim) == ["succeeded", "succeeded"]


async def test_the_last_chunk_brings_the_usage_when_it_is_wanted(client: AsyncOpenAI) -> None:
    chunks: list[ChatCompletionChunk] = []
    await _read(client, chunks, stream_options={"include_usage": True})
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 40


async def test_calls_of_functions_come_in_pieces(client: AsyncOpenAI) -> None:
    properties = {"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    tool = {"type": "function", "function": {"name": "weather", "parameters": schema}}
    chunks: list[ChatCompletionChunk] = []
    await _read(client, chunks, tools=[tool], tool_choice="required")
    deltas = [call for chunk in chunks for choice in chunk.choices for call in choice.delta.tool_calls or []]
    assert deltas[0].function is not None
    assert deltas[0].function.name == "weather"
    assert (deltas[0].id or "").startswith("call_")
    arguments = json.loads("".join(call.function.arguments or "" for call in deltas if call.function))
    assert arguments["unit"] in ("celsius", "fahrenheit")
    assert len(deltas) > 2
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


async def test_chunks_can_be_slow(sim: httpx.AsyncClient, client: AsyncOpenAI) -> None:
    await put_rules(sim, {"chunk_delay_ms": 30})
    began = time.monotonic()
    await _read(client, [])
    assert time.monotonic() - began >= 9 * 0.03


async def test_the_first_token_can_be_slow(sim: httpx.AsyncClient, client: AsyncOpenAI) -> None:
    await set_fault(sim, "slow_first_token", delay_ms=1500)
    began = time.monotonic()
    stream = await client.chat.completions.create(**_ASKED)
    opened = time.monotonic() - began
    chunks = [chunk async for chunk in stream]
    assert time.monotonic() - began >= 1.5
    # The answer has begun long before its first word.
    assert opened < (time.monotonic() - began) / 2
    assert chunks[-1].choices[0].finish_reason == "stop"


async def test_the_latency_comes_before_the_first_byte(sim: httpx.AsyncClient, client: AsyncOpenAI) -> None:
    await put_rules(sim, {"latency_ms": 300})
    began = time.monotonic()
    stream = await client.chat.completions.create(**_ASKED)
    assert time.monotonic() - began >= 0.3
    await stream.close()


@pytest.mark.parametrize("count", [1, 3, 99])
async def test_a_stream_can_be_cut(sim: httpx.AsyncClient, client: AsyncOpenAI, count: int) -> None:
    await set_fault(sim, "cut_stream", count=count)
    chunks: list[ChatCompletionChunk] = []
    with pytest.raises(openai.APIConnectionError):
        await _read(client, chunks)
    assert len(chunks) == 1 + min(count, 10)
    assert await _states(sim) == ["failed"]


async def test_a_stream_can_fall_silent(sim: httpx.AsyncClient, client: AsyncOpenAI) -> None:
    await set_fault(sim, "stall", count=2)
    chunks: list[ChatCompletionChunk] = []
    with pytest.raises(openai.APITimeoutError):
        await _read(client.with_options(timeout=0.5), chunks)
    assert len(chunks) == 3
    assert await _states_soon(sim, "cancelled")


async def test_a_stream_can_hold_half_an_event(sim: httpx.AsyncClient, client: AsyncOpenAI) -> None:
    await set_fault(sim, "malformed_chunk", count=2)
    chunks: list[ChatCompletionChunk] = []
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        await _read(client, chunks)
    assert len(chunks) == 3


async def test_what_follows_half_an_event_is_whole(sim: httpx.AsyncClient) -> None:
    await set_fault(sim, "malformed_chunk", count=2)
    answer = await sim.post(
        "/openai/v1/chat/completions", json=_ASKED, headers={"Authorization": "Bearer test"}
    )
    events = answer.text.split("\n\n")[:-1]
    assert len(events) == 14
    for number, event in enumerate(events[:-1]):
        if number == 3:
            with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
                json.loads(event.removeprefix("data: "))
        else:
            assert json.loads(event.removeprefix("data: "))["choices"]
    assert events[-1] == "data: [DONE]"


async def test_a_stream_can_end_without_an_end(sim: httpx.AsyncClient, client: AsyncOpenAI) -> None:
    await set_fault(sim, "missing_end")
    chunks: list[ChatCompletionChunk] = []
    await _read(client, chunks)
    assert len(chunks) == 11
    assert chunks[-1].choices[0].finish_reason is None
    assert await _states(sim) == ["failed"]


async def test_a_stream_can_bring_an_error(sim: httpx.AsyncClient, client: AsyncOpenAI) -> None:
    await set_fault(sim, "error_in_200", count=2)
    chunks: list[ChatCompletionChunk] = []
    with pytest.raises(openai.APIError, match="The server had an error"):
        await _read(client, chunks)
    assert len(chunks) == 3
    assert await _states(sim) == ["failed"]


async def test_a_stream_can_be_filtered(sim: httpx.AsyncClient, client: AsyncOpenAI) -> None:
    await set_fault(sim, "content_filter")
    chunks: list[ChatCompletionChunk] = []
    await _read(client, chunks)
    assert chunks[-1].choices[0].finish_reason == "content_filter"
    assert 0 < len(_text(chunks).split()) < 40


async def test_a_refused_stream_is_an_ordinary_error(sim: httpx.AsyncClient, client: AsyncOpenAI) -> None:
    await set_fault(sim, "http_429", retry_after=3)
    with pytest.raises(openai.RateLimitError):
        await _read(client, [])


@pytest.mark.parametrize("rule", [{"chunk_delay_ms": 200}, {"latency_ms": 5000}])
async def test_a_caller_who_goes_away_cancels_the_job(
    sim: httpx.AsyncClient, client: AsyncOpenAI, rule: dict[str, Any]
) -> None:
    await put_rules(sim, rule)
    if "latency_ms" in rule:
        with pytest.raises(openai.APITimeoutError):
            await _read(client.with_options(timeout=0.3), [])
    else:
        stream = await client.chat.completions.create(**_ASKED)
        await anext(aiter(stream))
        assert await _states(sim) == ["running"]
        await stream.close()
    assert await _states_soon(sim, "cancelled")


async def _states_soon(sim: httpx.AsyncClient, state: str) -> bool:
    for _ in range(100):
        if await _states(sim) == [state]:
            return True
        await asyncio.sleep(0.02)
    return False
