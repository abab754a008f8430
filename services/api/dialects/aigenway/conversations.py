"""Checked params of `text_generation` as a conversation in OpenAI's shape, from either form. Pure.

Source: the platform's Gemini guide (Gemini's own names) and its method pages (OpenAI's).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from services.api.dialects.aigenway.json_schemas import checked_schema
from services.api.dialects.aigenway.params import at_fault
from services.api.dialects.aigenway.tools import tool_choice_of, tools_of
from services.api.dialects.openai.messages import checked_messages, image_urls, is_inline
from services.api.errors import InvalidField
from services.api.text.requests import Conversation
from shared.catalog.aigenway_text_tables import MOST_OUTPUT_TOKENS
from shared.http import EgressPolicy, UnsafeAddress

_SAME_NAME: Final = ("temperature", "top_p", "top_k")
_TOKENS_PER_IMAGE: Final = 3000


@dataclass(frozen=True, slots=True)
class TextCall:
    """One text to make."""

    conversation: Conversation
    wants_json: bool
    schema: Mapping[str, Any] | None
    """What the answer must follow."""
    most_output: int

    @property
    def most_input(self) -> int:
        """The most tokens that it can take: a token has a byte at least."""
        said = [self.conversation.messages, self.conversation.parameters]
        pictures = sum(1 for _ in image_urls(self.conversation.messages))
        inline = sum(len(url) for url in image_urls(self.conversation.messages) if is_inline(url))
        return len(orjson.dumps(said)) - inline + pictures * _TOKENS_PER_IMAGE

    @property
    def characters(self) -> int:
        """Of everything that is said, for estimates."""
        return len(orjson.dumps(self.conversation.messages).decode())


def text_call(params: Mapping[str, Any], egress: EgressPolicy) -> TextCall:
    """Raises InvalidParameters."""
    most_output = params.get("max_output_tokens", MOST_OUTPUT_TOKENS)
    parameters: dict[str, Any] = {name: params[name] for name in _SAME_NAME if name in params}
    parameters["max_tokens"] = most_output
    if stop := params.get("stop_sequences"):
        if not all(isinstance(one, str) and one for one in stop):
            raise at_fault([("stop_sequences", "must be an array of strings")])
        parameters["stop"] = list(stop)
    wants_json, schema = _format(params)
    if schema is not None:
        described = {"name": "answer", "schema": schema}
        parameters["response_format"] = {"type": "json_schema", "json_schema": described}
    elif wants_json:
        parameters["response_format"] = {"type": "json_object"}
    if tools := tools_of(params.get("tools", ())):
        parameters["tools"] = tools
        if (choice := tool_choice_of(params.get("tool_choice"))) is not None:
            parameters["tool_choice"] = choice
    conversation = Conversation(_messages(params, egress), parameters)
    return TextCall(conversation, wants_json, schema, most_output)


def _messages(params: Mapping[str, Any], egress: EgressPolicy) -> tuple[Mapping[str, Any], ...]:
    instruction = _instruction(params.get("system_instruction"))
    before = ({"role": "system", "content": instruction},) if instruction else ()
    if "messages" not in params:
        return (*before, {"role": "user", "content": params["prompt"]})
    try:
        messages = checked_messages(params["messages"])
    except InvalidField as error:
        raise at_fault([("messages", f"are not as they must be: {error.message}")]) from error
    for url in image_urls(messages):
        if is_inline(url):
            continue
        try:
            egress.check_url(url)
        except UnsafeAddress as error:
            raise at_fault(
                [("messages", f"have an image_url that is not usable: {error.message}")]
            ) from error
    return (*before, *messages)


def _instruction(value: object) -> str | None:
    """A text, or Gemini's `{"parts": [{"text"}]}`."""
    if value is None or isinstance(value, str):
        return value
    parts = value.get("parts") if isinstance(value, Mapping) else None
    listed = [parts] if isinstance(parts, Mapping) else parts
    texts = (
        [part.get("text") for part in listed if isinstance(part, Mapping)] if isinstance(listed, list) else []
    )
    if not texts or not all(isinstance(text, str) for text in texts):
        raise at_fault([("system_instruction", "must be a string or an object with parts that have a text")])
    return "\n".join(map(str, texts))


def _format(params: Mapping[str, Any]) -> tuple[bool, Mapping[str, Any] | None]:
    """Whether the answer is JSON, and its schema: `response_schema` before `response_format`."""
    if (schema := params.get("response_schema")) is not None:
        return True, checked_schema("response_schema", schema)
    wanted = params.get("response_format")
    if wanted is not None:
        kind = wanted.get("type")
        if kind == "json_schema":
            described = wanted.get("json_schema")
            inner = (
                described.get("schema", described) if isinstance(described, Mapping) else wanted.get("schema")
            )
            if not isinstance(inner, Mapping):
                raise at_fault([("response_format", "of type json_schema needs a schema")])
            return True, checked_schema("response_format", inner)
        if kind == "json_object":
            return True, None
        if kind != "text":
            raise at_fault([("response_format", "has a type that is not text, json_object or json_schema")])
    return params.get("response_mime_type") == "application/json", None
