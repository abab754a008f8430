"""Conversations that go well: texts, tools, JSON, pictures, usage, whole and in pieces."""

from __future__ import annotations

import jsonschema
import orjson

from shared.providers.base import ChatEnd, Failed, TextProvider
from shared.providers.errors import ErrorClass
from shared.providers.registry import ADAPTERS
from tests.contract.providers.simulator import Simulator, adapter_at
from tests.contract.providers.writers import (
    NEWS,
    PARAMETERS,
    RECIPE,
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


def test_every_adapter_that_chats_is_in_the_table(sim: Simulator) -> None:
    able = {
        name for name in ADAPTERS if isinstance(adapter_at(sim.session, name, "http://[::1]"), TextProvider)
    }
    assert {writer.provider for writer in WRITERS} == able


@each
async def test_a_conversation_is_continued_and_counted(sim: Simulator, writer: Writer) -> None:
    done = await chatted(sim.text(writer.provider), writer.request())
    assert done.message["role"] == "assistant"
    assert done.message["content"].startswith("About a story of a hen")
    assert done.finish_reason == "stop"
    assert done.usage is not None
    assert done.usage.input_tokens > 0
    assert done.usage.output_tokens == len(done.message["content"].split())
    assert (done.usage.cost_nano is not None) == writer.tells_cost
    assert done.usage.cost_nano != 0


@each
async def test_a_stream_brings_the_same_answer_in_pieces(sim: Simulator, writer: Writer) -> None:
    provider = sim.text(writer.provider)
    whole = await chatted(provider, writer.request())
    events = await events_of(provider, writer.request())
    message, end = joined(events), events[-1]
    assert (message["role"], message["content"]) == ("assistant", whole.message["content"])
    assert isinstance(end, ChatEnd)
    assert (end.finish_reason, end.usage) == ("stop", whole.usage)
    assert len(events) > 3


@each
async def test_a_slow_stream_is_read_as_it_comes(sim: Simulator, writer: Writer) -> None:
    await sim.rule(writer.provider, timing={"chunk_delay_ms": 30, "latency_ms": 100})
    events = await events_of(sim.text(writer.provider), writer.request())
    assert isinstance(events[-1], ChatEnd)


@each
async def test_a_limit_of_tokens_ends_the_answer(sim: Simulator, writer: Writer) -> None:
    provider = sim.text(writer.provider)
    request = writer.request(max_tokens=7)
    done = await chatted(provider, request)
    assert done.finish_reason == "length"
    assert done.usage is not None
    assert done.usage.output_tokens == 7
    end = (await events_of(provider, request))[-1]
    assert isinstance(end, ChatEnd)
    assert (end.finish_reason, end.usage) == ("length", done.usage)


@each
async def test_the_other_parameters_are_taken(sim: Simulator, writer: Writer) -> None:
    request = writer.request(
        temperature=0.2, top_p=0.9, stop=["END"], seed=7, presence_penalty=0.1, frequency_penalty=0.1
    )
    assert (await chatted(sim.text(writer.provider), request)).finish_reason == "stop"


@each
async def test_instructions_and_earlier_turns_are_taken(sim: Simulator, writer: Writer) -> None:
    provider = sim.text(writer.provider)
    alone = await chatted(provider, writer.request("and now?"))
    messages = (
        {"role": "system", "content": "You are a hen."},
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "cluck"},
        {"role": "user", "content": [{"type": "text", "text": "and now?"}]},
    )
    done = await chatted(provider, writer.conversation(messages))
    assert done.message["content"] == alone.message["content"]
    assert done.usage is not None
    assert alone.usage is not None
    assert done.usage.input_tokens > alone.usage.input_tokens


@each
async def test_a_picture_can_be_asked_about(sim: Simulator, writer: Writer) -> None:
    parts = [
        {"type": "text", "text": "what is this?"},
        {"type": "image_url", "image_url": {"url": sim.picture()}},
    ]
    provider = sim.text(writer.provider)
    done = await chatted(provider, writer.conversation(({"role": "user", "content": parts},)))
    without = await chatted(provider, writer.request("what is this?"))
    assert done.usage is not None
    assert without.usage is not None
    assert done.usage.input_tokens > without.usage.input_tokens


@each
async def test_a_tool_is_called_and_its_result_is_answered(sim: Simulator, writer: Writer) -> None:
    provider = sim.text(writer.provider)
    question = {"role": "user", "content": "use get_weather for Graz"}
    done = await chatted(provider, writer.conversation((question,), tools=[WEATHER, NEWS]))
    assert done.finish_reason == "tool_calls"
    (call,) = done.message["tool_calls"]
    assert (call["type"], call["function"]["name"]) == ("function", "get_weather")
    jsonschema.validate(arguments_of(call), PARAMETERS)
    result = {"role": "tool", "tool_call_id": call["id"], "content": '{"degrees": 21}'}
    answered = await chatted(
        provider, writer.conversation((question, done.message, result), tools=[WEATHER, NEWS])
    )
    assert answered.finish_reason == "stop"
    assert answered.message["content"]


@each
async def test_streamed_tool_calls_are_the_same(sim: Simulator, writer: Writer) -> None:
    provider = sim.text(writer.provider)
    request = writer.request("use get_weather and get_news", tools=[WEATHER, NEWS])
    done = await chatted(provider, request)
    events = await events_of(provider, request)
    calls = joined(events)["calls"]
    assert isinstance(events[-1], ChatEnd)
    assert events[-1].finish_reason == done.finish_reason == "tool_calls"
    assert [(call["name"], orjson.loads(call["arguments"])) for call in calls] == [
        (call["function"]["name"], arguments_of(call)) for call in done.message["tool_calls"]
    ]
    assert len({call["id"] for call in calls}) == len(calls) == 2


@each
async def test_the_choice_of_a_tool_is_obeyed(sim: Simulator, writer: Writer) -> None:
    provider = sim.text(writer.provider)
    for choice, called in (
        ("none", []),
        ("auto", []),
        ("required", ["get_weather"]),
        ({"type": "function", "function": {"name": "get_news"}}, ["get_news"]),
    ):
        done = await chatted(provider, writer.request("hello", tools=[WEATHER, NEWS], tool_choice=choice))
        assert [call["function"]["name"] for call in done.message.get("tool_calls", [])] == called


@each
async def test_an_answer_keeps_to_the_schema_that_was_asked_for(sim: Simulator, writer: Writer) -> None:
    provider = sim.text(writer.provider)
    request = writer.request("a recipe", response_format=json_schema(RECIPE))
    done = await chatted(provider, request)
    jsonschema.validate(orjson.loads(done.message["content"]), RECIPE)
    assert joined(await events_of(provider, request))["content"] == done.message["content"]


@each
async def test_an_answer_is_json_if_only_that_was_asked_for(sim: Simulator, writer: Writer) -> None:
    request = writer.request("a recipe in JSON", response_format={"type": "json_object"})
    done = await chatted(sim.text(writer.provider), request)
    assert isinstance(orjson.loads(done.message["content"]), dict)


@each
async def test_an_empty_answer_is_an_answer(sim: Simulator, writer: Writer) -> None:
    await sim.rule(writer.provider, fault="empty_output")
    provider = sim.text(writer.provider)
    assert (await chatted(provider, writer.request())).message["content"] == ""
    assert isinstance((await events_of(provider, writer.request()))[-1], ChatEnd)


@each
async def test_a_model_that_says_no_is_told_as_the_provider_tells_it(sim: Simulator, writer: Writer) -> None:
    await sim.rule(writer.provider, fault="refusal", at="result")
    provider = sim.text(writer.provider)
    done, last = await provider.chat(writer.request()), (await events_of(provider, writer.request()))[-1]
    if writer.has_refusals:
        assert not isinstance(done, Failed)
        assert done.message["refusal"]
        assert isinstance(last, ChatEnd)
    else:
        for failed in (done, last):
            assert isinstance(failed, Failed)
            assert failed.error_class is ErrorClass.POLICY_REFUSAL


@each
async def test_a_filter_ends_an_answer_half_way(sim: Simulator, writer: Writer) -> None:
    await sim.rule(writer.provider, fault="content_filter")
    events = await events_of(sim.text(writer.provider), writer.request())
    assert isinstance(events[-1], ChatEnd)
    assert events[-1].finish_reason == "content_filter"
    assert joined(events)["content"]
