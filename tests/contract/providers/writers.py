"""Every provider that continues conversations, with what sets its answers apart."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

import orjson
import pytest

from shared.providers.base import ChatDelta, ChatDone, ChatEnd, ChatRequest, Failed, TextProvider


@dataclass(frozen=True, slots=True)
class Writer:
    """`tells_cost`: its answers say what they cost. `has_refusals`: a refusal is a kind of message."""

    provider: str
    model: str
    tells_cost: bool = False
    has_refusals: bool = True

    def request(self, text: str = "a story of a hen", **parameters: Any) -> ChatRequest:
        return self.conversation(({"role": "user", "content": text},), **parameters)

    def conversation(self, messages: tuple[Mapping[str, Any], ...], **parameters: Any) -> ChatRequest:
        return ChatRequest(self.model, messages, parameters)


WRITERS: Final = (
    Writer("gemini", "gemini-2.5-flash", has_refusals=False),
    Writer("openai", "gpt-4.1-mini"),
    Writer("openrouter", "openai/gpt-4.1-mini", tells_cost=True),
)

each = pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.provider)

PARAMETERS: Final = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        "days": {"type": "integer"},
    },
    "required": ["city", "unit"],
}
WEATHER: Final = {
    "type": "function",
    "function": {"name": "get_weather", "description": "Tells the weather.", "parameters": PARAMETERS},
}
NEWS: Final = {
    "type": "function",
    "function": {
        "name": "get_news",
        "parameters": {"type": "object", "properties": {"topic": {"type": "string"}}, "required": ["topic"]},
    },
}
RECIPE: Final = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "minutes": {"type": "integer"},
        "steps": {"type": "array", "items": {"type": "string"}},
        "origin": {
            "type": "object",
            "properties": {"country": {"type": "string"}},
            "required": ["country"],
            "additionalProperties": False,
        },
    },
    "required": ["title", "minutes", "steps", "origin"],
    "additionalProperties": False,
}


def json_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The `response_format` for answers of this schema."""
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}


async def chatted(provider: TextProvider, request: ChatRequest) -> ChatDone:
    """The whole answer of a call that succeeds."""
    done = await provider.chat(request)
    assert isinstance(done, ChatDone), done
    return done


async def events_of(provider: TextProvider, request: ChatRequest) -> list[ChatDelta | ChatEnd | Failed]:
    """The events of a stream: pieces, then one end, which is the last."""
    async with aclosing(provider.stream(request)) as stream:
        events = [event async for event in stream]
    assert events
    assert all(isinstance(event, ChatDelta) for event in events[:-1])
    assert isinstance(events[-1], ChatEnd | Failed)
    return events


def joined(events: list[ChatDelta | ChatEnd | Failed]) -> dict[str, Any]:
    """The message that the pieces of a stream make."""
    message: dict[str, Any] = {}
    calls: dict[int, dict[str, Any]] = {}
    for event in events:
        if not isinstance(event, ChatDelta):
            continue
        for name in ("role", "content", "refusal"):
            if name in event.delta:
                message[name] = message.get(name, "") + event.delta[name]
        for call in event.delta.get("tool_calls", ()):
            kept = calls.setdefault(call["index"], {"name": "", "arguments": "", "id": call.get("id")})
            for name in ("name", "arguments"):
                kept[name] += call["function"].get(name, "")
    return {**message, "calls": [calls[index] for index in sorted(calls)]}


def arguments_of(call: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a tool call: they are JSON in a string."""
    value = orjson.loads(call["function"]["arguments"])
    assert isinstance(value, dict)
    return value
