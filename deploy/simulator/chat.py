"""Chat completions as OpenAI lays them down and others repeat them: the request, judged and understood."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from deploy.simulator.replies import Function, Wish
from deploy.simulator.text import tokens_of

_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_TOKENS_PER_MESSAGE = 4
_TOKENS_PER_PICTURE = 85


class BadRequest(ValueError):
    """The caller's mistake: the message tells it, `parameter` names the field."""

    def __init__(self, parameter: str, message: str, code: str | None = "invalid_value") -> None:
        super().__init__(message)
        self.parameter = parameter
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """A request for a completion. `pictures`: URLs in the last message of the user."""

    model: str
    wish: Wish
    prompt_tokens: int
    stream: bool
    include_usage: bool
    pictures: Sequence[str]


def read_chat(body: Mapping[str, Any]) -> ChatRequest:
    """Understand the body of `POST /chat/completions`. Raises BadRequest."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise BadRequest("model", "you must provide a model parameter", None)
    messages = _messages(body)
    user = next((message for message in reversed(messages) if message["role"] == "user"), messages[-1])
    if body.get("n") not in (None, 1):
        raise BadRequest("n", "Unsupported value: 'n' must be 1.", "unsupported_value")
    json, schema = _format(body.get("response_format"))
    functions, calling = _functions(body)
    options = body.get("stream_options")
    return ChatRequest(
        model=model,
        wish=Wish(
            prompt=text_of(user),
            limit=_limit(body),
            functions=functions,
            calling=calling,
            answered=messages[-1]["role"] == "tool",
            json=json,
            schema=schema,
        ),
        prompt_tokens=sum(map(_tokens, messages)) + tokens_of(_tools_text(body)),
        stream=body.get("stream") is True,
        include_usage=isinstance(options, Mapping) and options.get("include_usage") is True,
        pictures=[url for part in _parts(user) if (url := _picture(part)) is not None],
    )


def prompt_of(body: Mapping[str, Any]) -> str:
    """The last text of the user, which rules look at; empty when there is none."""
    messages = body.get("messages")
    for message in reversed(messages) if isinstance(messages, list) else ():
        if isinstance(message, Mapping) and message.get("role") == "user":
            return text_of(message)
    return ""


def text_of(message: Mapping[str, Any]) -> str:
    """The text of a message, whether its content is a string or parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in _parts(message) if isinstance(part.get("text"), str))


def _parts(message: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    content = message.get("content")
    if isinstance(content, list):
        yield from (part for part in content if isinstance(part, Mapping))


def _picture(part: Mapping[str, Any]) -> str | None:
    holder = part.get("image_url")
    url = holder.get("url") if isinstance(holder, Mapping) else holder
    return url if isinstance(url, str) else None


def _tokens(message: Mapping[str, Any]) -> int:
    pictures = sum(_picture(part) is not None for part in _parts(message))
    return _TOKENS_PER_MESSAGE + tokens_of(text_of(message)) + pictures * _TOKENS_PER_PICTURE


def _tools_text(body: Mapping[str, Any]) -> str:
    return orjson.dumps(body["tools"]).decode() if body.get("tools") else ""


def _messages(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    messages = body.get("messages")
    if messages is None:
        raise BadRequest("messages", "Missing required parameter: 'messages'.", "missing_required_parameter")
    if not isinstance(messages, list) or not messages:
        raise BadRequest("messages", "Invalid 'messages': expected a non-empty array.", "empty_array")
    for index, message in enumerate(messages):
        role = message.get("role") if isinstance(message, Mapping) else None
        if role not in _ROLES:
            known = ", ".join(f"'{name}'" for name in _ROLES)
            text = f"Invalid value: '{role}'. Supported values are: {known}."
            raise BadRequest(f"messages[{index}].role", text)
    return messages


def _limit(body: Mapping[str, Any]) -> int | None:
    for name in ("max_completion_tokens", "max_tokens"):
        limit = body.get(name)
        if limit is None:
            continue
        if not isinstance(limit, int) or limit < 1:
            text = f"Invalid '{name}': integer below minimum value. Expected a value >= 1."
            raise BadRequest(name, text, "integer_below_min_value")
        return limit
    return None


def _format(response_format: Any) -> tuple[bool, Any]:
    """Whether JSON is asked for, and its schema."""
    kind = response_format.get("type") if isinstance(response_format, Mapping) else None
    if kind == "json_object":
        return True, None
    if kind != "json_schema":
        if response_format is None or kind == "text":
            return False, None
        raise BadRequest("response_format.type", f"Invalid value: '{kind}'.")
    described = response_format.get("json_schema")
    if not isinstance(described, Mapping) or not isinstance(described.get("name"), str):
        name = "response_format.json_schema.name"
        raise BadRequest(name, f"Missing required parameter: '{name}'.", "missing_required_parameter")
    return True, described.get("schema") or {"type": "object"}


def _functions(
    body: Mapping[str, Any],
) -> tuple[list[Function], Literal["auto", "always", "never"]]:
    functions = []
    for index, tool in enumerate(body.get("tools") or ()):
        function = tool.get("function") if isinstance(tool, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            name = f"tools[{index}].function"
            raise BadRequest(name, f"Missing required parameter: '{name}'.", "missing_required_parameter")
        functions.append(Function(function["name"], function.get("parameters")))
    choice = body.get("tool_choice")
    if isinstance(choice, Mapping):
        wanted = (choice.get("function") or {}).get("name")
        chosen = [function for function in functions if function.name == wanted]
        if not chosen:
            raise BadRequest("tool_choice", f"Tool choice '{wanted}' not found in 'tools' parameter.")
        return chosen, "always"
    if choice == "none":
        return functions, "never"
    return functions, "always" if choice == "required" else "auto"
