from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.providers.base import ChatDone, ChatRequest, Failed, TokenUsage
from shared.providers.errors import ErrorClass
from shared.providers.gemini_chat import chat_body
from shared.providers.gemini_messages import InvalidChat, image_urls
from shared.providers.tools import InputImage
from tests.unit.providers.gemini_upstream import Cut, answer, google, picture
from tests.unit.providers.upstream import Inputs

CALL = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": '{"word":"hen"}'}}
OTHER_CALL = {"id": "call_2", "type": "function", "function": {"name": "count", "arguments": ""}}


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def asked(*messages: dict[str, Any], model: str = "gemini-2.5-flash", **parameters: Any) -> ChatRequest:
    return ChatRequest(model, messages or (user("hi"),), parameters)


def sent(*messages: dict[str, Any], model: str = "gemini-2.5-flash", **parameters: Any) -> dict[str, Any]:
    return chat_body(asked(*messages, model=model, **parameters), {})


def test_roles_are_google_s_and_instructions_stand_apart() -> None:
    body = sent(
        {"role": "system", "content": "be brief"},
        user([{"type": "text", "text": "hi"}]),
        {"role": "assistant", "content": "hello"},
        {"role": "developer", "content": "be kind"},
        user("bye"),
    )
    assert body == {
        "systemInstruction": {"parts": [{"text": "be brief"}, {"text": "be kind"}]},
        "contents": [
            {"role": "user", "parts": [{"text": "hi"}]},
            {"role": "model", "parts": [{"text": "hello"}]},
            {"role": "user", "parts": [{"text": "bye"}]},
        ],
    }


def test_calls_and_their_results_name_the_function() -> None:
    body = sent(
        user("how many?"),
        {"role": "assistant", "content": None, "tool_calls": [CALL, OTHER_CALL]},
        {"role": "tool", "tool_call_id": "call_2", "content": "12"},
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": '{"found":true}'}]},
        {"role": "user", "content": "well?"},
    )
    assert body["contents"][1:] == [
        {
            "role": "model",
            "parts": [
                {"functionCall": {"name": "look_up", "args": {"word": "hen"}}},
                {"functionCall": {"name": "count", "args": {}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "count", "response": {"result": 12}}},
                {"functionResponse": {"name": "look_up", "response": {"found": True}}},
            ],
        },
        {"role": "user", "parts": [{"text": "well?"}]},
    ]


def test_a_tool_result_that_is_plain_text_becomes_an_object() -> None:
    answered = {"role": "tool", "tool_call_id": "call_1", "content": "a bird"}
    body = sent(user("?"), {"role": "assistant", "content": "", "tool_calls": [CALL]}, answered)
    assert body["contents"][2]["parts"][0]["functionResponse"]["response"] == {"result": "a bird"}


def test_signatures_of_calls_come_back_and_their_absence_is_marked_for_models_that_check() -> None:
    signed = CALL | {"extra_content": {"google": {"thought_signature": "c2ln"}}}

    def parts(model: str, *calls: dict[str, Any]) -> list[dict[str, Any]]:
        message = {"role": "assistant", "content": None, "tool_calls": list(calls)}
        found: list[dict[str, Any]] = sent(user("?"), message, model=model)["contents"][1]["parts"]
        return found

    kept = parts("gemini-3-pro", signed, OTHER_CALL)
    assert [part.get("thoughtSignature") for part in kept] == ["c2ln", None]
    unsigned = parts("gemini-3-pro", CALL, OTHER_CALL)
    assert [part.get("thoughtSignature") for part in unsigned] == ["skip_thought_signature_validator", None]
    assert "thoughtSignature" not in parts("gemini-2.5-flash", CALL)[0]


def test_empty_texts_are_left_out() -> None:
    body = sent(user("hi"), {"role": "assistant", "content": ""}, user("hello?"))
    assert [content["role"] for content in body["contents"]] == ["user", "user"]


def test_parameters_go_by_googles_names() -> None:
    body = sent(
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        max_tokens=10,
        max_completion_tokens=20,
        stop="END",
        seed=7,
        presence_penalty=0.1,
        frequency_penalty=None,
        user="someone",
    )
    assert body["generationConfig"] == {
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 40,
        "maxOutputTokens": 20,
        "stopSequences": ["END"],
        "seed": 7,
        "presencePenalty": 0.1,
    }
    assert sent(stop=["a", "b"])["generationConfig"] == {"stopSequences": ["a", "b"]}


def test_response_formats_are_a_mime_type_and_a_schema() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}
    assert sent(response_format=wanted)["generationConfig"] == {
        "responseMimeType": "application/json",
        "responseSchema": {"type": "object", "properties": {"n": {"type": "integer"}}},
    }
    assert sent(response_format={"type": "json_object"})["generationConfig"] == {
        "responseMimeType": "application/json"
    }
    assert "generationConfig" not in sent(response_format={"type": "text"})


def test_tools_are_declared_without_what_google_rejects() -> None:
    look_up = {
        "name": "look_up",
        "description": "finds a word",
        "strict": True,
        "parameters": {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]},
    }
    nothing = {"name": "now", "parameters": {"type": "object", "properties": {}}}
    tools = [{"type": "function", "function": function} for function in (look_up, nothing)]
    assert sent(tools=tools)["tools"] == [
        {
            "functionDeclarations": [
                {name: value for name, value in look_up.items() if name != "strict"},
                {"name": "now"},
            ]
        }
    ]


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        (
            {"type": "function", "function": {"name": "look_up"}},
            {"mode": "ANY", "allowedFunctionNames": ["look_up"]},
        ),
    ],
)
def test_a_tool_choice_is_a_mode(choice: object, config: dict[str, Any]) -> None:
    assert sent(tool_choice=choice)["toolConfig"] == {"functionCallingConfig": config}


def test_options_of_the_route_win_over_the_clients_parameters() -> None:
    options = {"generationConfig": {"temperature": 0, "thinkingConfig": {"thinkingBudget": 0}}}
    request = ChatRequest("m", (user("hi"),), {"temperature": 2, "seed": 1}, options)
    assert chat_body(request, {})["generationConfig"] == {
        "temperature": 0,
        "seed": 1,
        "thinkingConfig": {"thinkingBudget": 0},
    }


@pytest.mark.parametrize(
    "request_",
    [
        asked({"role": "function", "content": "x"}),
        asked(user([{"type": "input_audio", "input_audio": {}}])),
        asked(user([{"type": "image_url"}])),
        asked(user(["hi"])),
        asked(user(5)),
        asked({"role": "tool", "tool_call_id": "nobody", "content": "x"}),
        asked({"role": "assistant", "tool_calls": [{"id": "x"}]}),
        asked({"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "[1"}}]}),
        asked(tools=[{"type": "web_search"}]),
        asked(tool_choice="maybe"),
        asked(response_format={"type": "xml"}),
    ],
)
def test_what_gemini_has_no_form_for_is_invalid(request_: ChatRequest) -> None:
    with pytest.raises(InvalidChat):
        chat_body(request_, {})


NAMES = [
    "role",
    "content",
    "text",
    "type",
    "image_url",
    "url",
    "tool_calls",
    "id",
    "function",
    "name",
    "arguments",
    "images",
    "tool_call_id",
]
WORDS = st.sampled_from(["user", "assistant", "tool", "system", "text", "image_url", "function", "{}", ""])
ANYTHING = st.recursive(
    st.none() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool", "system"]) | ANYTHING},
    optional={"content": ANYTHING, "tool_calls": ANYTHING, "images": ANYTHING, "tool_call_id": ANYTHING},
)
PARAMETERS = st.dictionaries(
    st.sampled_from(["tools", "tool_choice", "response_format", "stop", "temperature"]), ANYTHING
)


@given(st.lists(MESSAGE, max_size=3), PARAMETERS)
def test_whatever_a_client_sends_is_translated_or_invalid(
    messages: list[dict[str, Any]], parameters: dict[str, Any]
) -> None:
    try:
        images = dict.fromkeys(image_urls(messages), InputImage(b"AAA", "image/png"))
        body = chat_body(ChatRequest("gemini-3-pro", tuple(messages), parameters), images)
    except InvalidChat:
        return
    assert all(content["role"] in ("user", "model") and content["parts"] for content in body["contents"])


async def test_an_invalid_chat_is_the_callers_fault_and_costs_no_call() -> None:
    async with google((200, answer({"text": "hi"}))) as (server, provider):
        for request in (asked({"role": "what"}), asked(user([{"type": "image_url"}]))):
            failed = await provider.chat(request)
            assert isinstance(failed, Failed)
            assert failed.error_class is ErrorClass.CALLER_FAULT
        assert server.paths == []


async def test_images_in_messages_are_fetched_and_sent_inline() -> None:
    inline = "data:image/png;base64,QUFB"
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in (inline, "https://b", inline)]
    earlier = {"role": "assistant", "content": "", "images": [parts[1]]}
    async with google(
        (200, answer({"text": "two hens"})), inputs=Inputs(**{inline: b"AAA", "https://b": b"BBB"})
    ) as (
        server,
        provider,
    ):
        await provider.chat(asked(user([{"type": "text", "text": "what?"}, *parts]), earlier, user("?")))
        first, second, _ = server.bodies[0]["contents"]
        assert [part["inlineData"]["data"] for part in first["parts"][1:]] == ["QUFB", "QkJC", "QUFB"]
        assert second == {
            "role": "model",
            "parts": [{"inlineData": {"mimeType": "image/png", "data": "QkJC"}}],
        }


async def test_an_image_that_cannot_be_fetched_is_the_callers_fault() -> None:
    message = user([{"type": "image_url", "image_url": {"url": "https://a"}}])
    async with google((200, answer({"text": "hi"}))) as (_, provider):
        failed = await provider.chat(asked(message))
        assert isinstance(failed, Failed)
        assert failed.error_class is ErrorClass.CALLER_FAULT


async def test_an_answer_is_openais_message_with_usage() -> None:
    usage = {
        "promptTokenCount": 9,
        "candidatesTokenCount": 5,
        "thoughtsTokenCount": 7,
        "cachedContentTokenCount": 4,
        "totalTokenCount": 21,
    }
    parts = ({"text": "hmm", "thought": True}, {"text": "hel"}, {"text": "lo"})
    async with google((200, answer(*parts, usageMetadata=usage))) as (server, provider):
        assert await provider.chat(asked()) == ChatDone(
            {"role": "assistant", "content": "hello"}, "stop", TokenUsage(9, 12, 4, 7)
        )
        assert server.paths == ["/v1beta/models/gemini-2.5-flash:generateContent"]


async def test_function_calls_become_tool_calls_with_ids_of_our_own() -> None:
    call = {"functionCall": {"name": "look_up", "args": {"word": "hen"}}, "thoughtSignature": "c2ln"}
    bare = {"functionCall": {"name": "now"}}
    async with google((200, answer(call, bare))) as (_, provider):
        done = await provider.chat(asked())
        assert isinstance(done, ChatDone)
        assert done.finish_reason == "tool_calls"
        assert done.message["content"] is None
        first, second = done.message["tool_calls"]
        assert first["id"].startswith("call_")
        assert first["id"] != second["id"]
        assert first["function"]["name"] == "look_up"
        assert orjson.loads(first["function"]["arguments"]) == {"word": "hen"}
        assert first["extra_content"] == {"google": {"thought_signature": "c2ln"}}
        assert second["function"]["arguments"] == "{}"
        assert "extra_content" not in second


async def test_images_in_an_answer_stand_beside_the_text() -> None:
    async with google((200, answer({"text": "Here."}, picture()))) as (_, provider):
        done = await provider.chat(asked())
        assert isinstance(done, ChatDone)
        assert done.message["images"] == [
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,UE5H"}}
        ]


@pytest.mark.parametrize("parts", [(), ({"text": "long"},), ({"functionCall": {"name": "now"}},)])
async def test_an_answer_cut_off_at_its_limit_ends_with_length(parts: tuple[dict[str, Any], ...]) -> None:
    async with google((200, answer(*parts, reason="MAX_TOKENS"))) as (_, provider):
        done = await provider.chat(asked())
        assert isinstance(done, ChatDone)
        assert done.finish_reason == "length"
        assert done.usage is None


@pytest.mark.parametrize(
    ("body", "error_class"),
    [
        ({"promptFeedback": {"blockReason": "JAILBREAK"}}, ErrorClass.POLICY_REFUSAL),
        (answer({"text": "half a"}, reason="SAFETY"), ErrorClass.POLICY_REFUSAL),
        (answer(reason="MALFORMED_FUNCTION_CALL"), ErrorClass.TRANSIENT),
        (answer(reason="OTHER"), ErrorClass.NO_OUTPUT),
        (answer({"text": "never finished"}, reason=None), ErrorClass.NO_OUTPUT),
        ([{"error": {"code": 503, "status": "UNAVAILABLE"}}], ErrorClass.TRANSIENT),
        (b"<html>", ErrorClass.TRANSIENT),
    ],
)
async def test_an_answer_without_a_proper_end_is_a_failure(body: Any, error_class: ErrorClass) -> None:
    async with google((200, body)) as (_, provider):
        failed = await provider.chat(asked())
        assert isinstance(failed, Failed)
        assert failed.error_class is error_class


async def test_a_lost_chat_is_transient_since_nothing_runs_on() -> None:
    async with google(Cut()) as (_, provider):
        failed = await provider.chat(asked())
        assert isinstance(failed, Failed)
        assert failed.error_class is ErrorClass.TRANSIENT
