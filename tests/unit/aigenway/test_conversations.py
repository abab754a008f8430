"""Both forms of a text request mean the same."""

from __future__ import annotations

from typing import Any

import pytest

from services.api.dialects.aigenway.answers import NO_JSON, refusal_of
from services.api.dialects.aigenway.conversations import TextCall, text_call
from services.api.dialects.aigenway.errors import InvalidParameters
from shared.providers.base import ChatDone
from tests.unit.aigenway.offered import STRICT

LIMIT = {"max_output_tokens": 100}


def call(**params: Any) -> TextCall:
    return text_call({"prompt": "hello", **LIMIT, **params}, STRICT)


def test_a_prompt_is_a_message_of_the_user() -> None:
    asked = call(temperature=0.4, top_p=0.9, top_k=40, stop_sequences=["END"])

    assert asked.conversation.messages == ({"role": "user", "content": "hello"},)
    assert asked.conversation.parameters == {
        "temperature": 0.4,
        "top_p": 0.9,
        "top_k": 40,
        "max_tokens": 100,
        "stop": ["END"],
    }


@pytest.mark.parametrize(
    "instruction",
    ["be brief", {"parts": [{"text": "be brief"}]}, {"role": "system", "parts": {"text": "be brief"}}],
)
def test_an_instruction_comes_first(instruction: Any) -> None:
    first, *_ = call(system_instruction=instruction).conversation.messages

    assert first == {"role": "system", "content": "be brief"}


def test_an_address_inside_a_message_is_checked() -> None:
    part = {"type": "image_url", "image_url": {"url": "https://10.0.0.1/secret.png"}}

    with pytest.raises(InvalidParameters, match="image_url that is not usable"):
        call(messages=[{"role": "user", "content": [part]}])


@pytest.mark.parametrize("choice", ["any", "ANY", "required"])
def test_a_forced_call_has_several_names(choice: str) -> None:
    tools = [{"function_declarations": [{"name": "one"}, {"name": "two"}]}]

    parameters = call(tools=tools, tool_choice=choice).conversation.parameters

    assert [tool["function"]["name"] for tool in parameters["tools"]] == ["one", "two"]
    assert parameters["tool_choice"] == "required"


@pytest.mark.parametrize("text", ["hello", "привет", "你好" * 1000])
def test_the_most_tokens_are_never_fewer_than_the_bytes(text: str) -> None:
    assert call(prompt=text).most_input >= len(text.encode())


@pytest.mark.parametrize(
    ("content", "finish_reason", "refused"),
    [
        ('{"eggs": 3}', "stop", False),
        ('{"eggs": "three"}', "stop", True),
        ("three eggs", "stop", True),
        ('{"eggs": ', "stop", True),
        ('{"eggs": ', "length", False),
    ],
)
def test_an_answer_that_does_not_follow_its_schema_is_none(
    content: str, finish_reason: str, refused: bool
) -> None:
    asked = call(response_schema={"type": "object", "properties": {"eggs": {"type": "integer"}}})
    done = ChatDone({"role": "assistant", "content": content}, finish_reason, None)

    assert refusal_of(asked, done) == (NO_JSON if refused else None)
