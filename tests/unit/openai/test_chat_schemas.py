"""Requests for chats: what is taken, what is left out, what is refused and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from services.api.dialects.openai.chat_schemas import parse_chat
from services.api.dialects.openai.errors import MessagesRequired, ModelRequired
from services.api.dialects.openai.messages import image_urls, text_length
from services.api.errors import InvalidField

USER = {"role": "user", "content": "a hen"}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"a":1}'}}
PNG = "data:image/png;base64,iVBORw0KGgo="


def body(**fields: Any) -> dict[str, Any]:
    return {"model": "openai/gpt-5", "messages": [USER], **fields}


def shown(url: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "image_url", "image_url": url}]}


def test_parameters_go_on_under_their_names_and_unknown_ones_stay_behind() -> None:
    asked = {
        "temperature": 1,
        "top_p": 0.5,
        "max_tokens": 7,
        "stop": "egg",
        "seed": 4,
        "tools": [TOOL],
        "tool_choice": "auto",
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "x", "strict": True, "schema": {}},
        },
        "user": "u",
    }
    call = parse_chat(body(**asked, logit_bias={"1": 2}, store=True, stream=False, metadata=None))

    assert call.conversation.parameters == {**asked, "stop": ["egg"]}
    assert (call.stream, call.include_usage) == (False, False)


def test_the_newer_name_of_the_limit_wins() -> None:
    assert parse_chat(body(max_tokens=5, max_completion_tokens=9)).parameters == {"max_tokens": 9}


def test_null_and_no_tools_are_as_good_as_nothing() -> None:
    assert parse_chat(body(temperature=None, tools=[], stream=None, stop=None)).parameters == {}


def test_usage_in_a_stream_is_asked_for() -> None:
    call = parse_chat(body(stream=True, stream_options={"include_usage": True}))

    assert (call.stream, call.include_usage) == (True, True)


def test_messages_go_on_as_they_came() -> None:
    messages = [
        {"role": "developer", "content": "be brief"},
        {**USER, "name": "ann"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "21"}]},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        shown({"url": PNG, "detail": "low"}),
    ]
    call = parse_chat(body(messages=messages))

    assert list(call.messages) == messages
    assert list(image_urls(call.messages)) == [PNG]
    assert text_length(call.messages) == len("be brief" + "a hen" + '{"a":1}' + "21" + "no")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"messages": [USER] * 2049}, "messages must have at most 2048 items"),
        ({"messages": ["hi"]}, "messages[0] must be an object"),
        ({"messages": [{"role": "hen", "content": "x"}]}, "messages[0].role must be one of: system, dev"),
        ({"messages": [{"role": ["user"], "content": "x"}]}, "messages[0].role must be one of"),
        ({"messages": [USER, {"role": "user", "content": 3}]}, "messages[1].content must be a string or"),
        ({"messages": [{"role": "user", "content": []}]}, "messages[0].content must not be empty"),
        ({"messages": [{"role": "assistant"}]}, "messages[0].content is required"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id is required"),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
            "messages[0].content[0].type must be one of: text, image_url",
        ),
        (
            {"messages": [{"role": "system", "content": [{"type": "image_url"}]}]},
            "messages[0].content[0].type must be one of: text",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": 1}]}]},
            "messages[0].content[0].text must be a string",
        ),
        ({"messages": [shown("https://a/b.png")]}, "messages[0].content[0].image_url.url is required"),
        ({"messages": [shown({"url": "data:text/html,x"})]}, "messages[0].content[0].image_url.url must be"),
        ({"messages": [shown({"url": PNG})] * 17}, "messages must have at most 16 images"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "1"}]}]},
            "messages[0].tool_calls[0] must have an id and a function",
        ),
        ({"messages": [{"role": "assistant", "tool_calls": {}}]}, "messages[0].tool_calls must be an array"),
        ({"temperature": 2.1}, "temperature must be at most 2"),
        ({"max_tokens": 0}, "max_tokens must be at least 1"),
        ({"max_completion_tokens": "9"}, "max_tokens must be an integer"),
        ({"stop": ["a"] * 5}, "stop must have at most 4 items"),
        ({"stop": [1]}, "stop[0] must be a string"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type must match ^function$"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name is required"),
        ({"tools": [TOOL] * 129}, "tools must have at most 128 items"),
        ({"tools": [TOOL], "tool_choice": "always"}, "tool_choice must be one of: auto, none, required"),
        ({"tool_choice": "auto"}, "tool_choice needs tools"),
        ({"response_format": {"type": "xml"}}, "response_format must have a type of: text, json_object"),
        ({"response_format": {"type": "json_schema"}}, "response_format of type json_schema must have"),
        ({"response_format": "json"}, "response_format must be an object"),
        ({"stream_options": True}, "stream_options must be an object"),
    ],
)
def test_a_bad_field_is_named_with_its_fix(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidField) as caught:
        parse_chat(body(**fields))

    assert message in caught.value.message


def test_what_is_missing_has_errors_of_its_own() -> None:
    with pytest.raises(ModelRequired):
        parse_chat({"messages": [USER]})
    with pytest.raises(MessagesRequired):
        parse_chat({"model": "m"})
