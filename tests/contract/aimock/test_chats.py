"""Chats and streams of Gemini, OpenAI and OpenRouter, as another project plays them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from shared.providers.base import ChatDelta, ChatEnd, Failed
from shared.providers.errors import ErrorClass
from tests.contract.aimock.mock import Mock
from tests.contract.providers.writers import (
    WEATHER,
    WRITERS,
    Writer,
    arguments_of,
    chatted,
    each,
    events_of,
    joined,
    json_schema,
)

ANSWER = "A hen looks for grain in the morning."


@each
async def test_an_answer_and_its_usage_are_read(aimock: Mock, writer: Writer) -> None:
    async with aimock.adapter(writer.provider) as provider:
        done = await chatted(provider, writer.request("the whole answer"))
    assert (done.message["role"], done.message["content"]) == ("assistant", ANSWER)
    assert done.finish_reason == "stop"
    assert done.usage is not None
    assert (done.usage.input_tokens, done.usage.output_tokens) == (11, 9)
    assert done.usage.cost_nano == (210_000 if writer.tells_cost else None)


@each
async def test_a_streamed_answer_is_the_same(aimock: Mock, writer: Writer) -> None:
    async with aimock.adapter(writer.provider) as provider:
        events = await events_of(provider, writer.request("the whole answer"))
    message, end = joined(events), events[-1]
    assert (message["role"], message["content"]) == ("assistant", ANSWER)
    assert isinstance(end, ChatEnd)
    assert end.finish_reason == "stop"
    assert end.usage is not None
    assert (end.usage.input_tokens, end.usage.output_tokens) == (11, 9)
    assert len(events) > 3


@each
async def test_an_answer_that_grew_too_long_says_so(aimock: Mock, writer: Writer) -> None:
    async with aimock.adapter(writer.provider) as provider:
        assert (await chatted(provider, writer.request("too long"))).finish_reason == "length"
        end = (await events_of(provider, writer.request("too long")))[-1]
    assert isinstance(end, ChatEnd)
    assert end.finish_reason == "length"


@each
async def test_a_stream_that_is_cut_off_is_a_failure(aimock: Mock, writer: Writer) -> None:
    async with aimock.adapter(writer.provider) as provider:
        events = await events_of(provider, writer.request("cut off"))
    assert isinstance(events[0], ChatDelta)
    assert isinstance(events[-1], Failed)
    assert events[-1].error_class is ErrorClass.TRANSIENT


@each
async def test_tools_are_called_and_their_results_sent_back(aimock: Mock, writer: Writer) -> None:
    question = {"role": "user", "content": "the weather in Graz and Linz"}
    async with aimock.adapter(writer.provider) as provider:
        done = await chatted(provider, writer.conversation((question,), tools=[WEATHER]))
        calls = done.message["tool_calls"]
        results = [
            {"role": "tool", "tool_call_id": call["id"], "content": '{"degrees": 21}'} for call in calls
        ]
        answered = await chatted(
            provider, writer.conversation((question, done.message, *results), tools=[WEATHER])
        )
    assert done.finish_reason == "tool_calls"
    assert [arguments_of(call)["city"] for call in calls] == ["Graz", "Linz"]
    assert answered.message["content"] == "It is 21 degrees."


@each
async def test_streamed_tool_calls_are_put_together(aimock: Mock, writer: Writer) -> None:
    async with aimock.adapter(writer.provider) as provider:
        events = await events_of(provider, writer.request("the weather", tools=[WEATHER]))
    calls = joined(events)["calls"]
    assert [(call["name"], orjson.loads(call["arguments"])["city"]) for call in calls] == [
        ("get_weather", "Graz"),
        ("get_weather", "Linz"),
    ]
    assert isinstance(events[-1], ChatEnd)
    assert events[-1].finish_reason == "tool_calls"


@each
async def test_an_answer_in_json_is_asked_for_and_read(aimock: Mock, writer: Writer) -> None:
    schema = {"type": "object", "properties": {"title": {"type": "string"}, "minutes": {"type": "integer"}}}
    async with aimock.adapter(writer.provider) as provider:
        done = await chatted(provider, writer.request("a recipe", response_format=json_schema(schema)))
    assert orjson.loads(done.message["content"]) == {"title": "Eggs", "minutes": 4}


@each
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, ErrorClass.CALLER_FAULT),
        (401, ErrorClass.CREDENTIAL),
        (404, ErrorClass.MODEL_GONE),
        (429, ErrorClass.RATE_LIMIT),
        (503, ErrorClass.TRANSIENT),
    ],
)
async def test_errors_are_sorted(aimock: Mock, writer: Writer, status: int, expected: ErrorClass) -> None:
    request = writer.request(f"a hen for {status}")
    async with aimock.adapter(writer.provider) as provider:
        for failed in (await provider.chat(request), (await events_of(provider, request))[0]):
            assert isinstance(failed, Failed)
            assert failed.error_class is expected
            assert failed.retry_after == (timedelta(seconds=17) if status == 429 else None)


@pytest.mark.parametrize(("name", "prompt"), [("openai", "no credit left"), ("openrouter", "a hen for 402")])
async def test_an_account_without_money_is_no_rate_limit(aimock: Mock, name: str, prompt: str) -> None:
    (writer,) = (writer for writer in WRITERS if writer.provider == name)
    async with aimock.adapter(name) as provider:
        failed = await provider.chat(writer.request(prompt))
    assert isinstance(failed, Failed)
    assert failed.error_class is ErrorClass.QUOTA


@each
@pytest.mark.parametrize("trouble", ["drop", "malformed", "disconnect", "ratelimit"])
async def test_trouble_on_the_way_is_a_failure(aimock: Mock, writer: Writer, trouble: str) -> None:
    headers: Any = {f"x-aimock-chaos-{trouble}": "1"}
    expected = ErrorClass.RATE_LIMIT if trouble == "ratelimit" else ErrorClass.TRANSIENT
    request = writer.request("the whole answer")
    async with aimock.adapter(writer.provider, **headers) as provider:
        for failed in (await provider.chat(request), (await events_of(provider, request))[-1]):
            assert isinstance(failed, Failed)
            assert failed.error_class is expected


async def test_a_filtered_answer_ends_as_the_provider_says(aimock: Mock) -> None:
    for writer in WRITERS:
        async with aimock.adapter(writer.provider) as provider:
            done = await provider.chat(writer.request("flagged"))
        if writer.has_refusals:
            assert done.finish_reason == "content_filter"
        else:
            assert done.error_class is ErrorClass.POLICY_REFUSAL
