"""Gemini's answers as OpenAI's chat messages. Source: ai.google.dev/api, "GenerateContentResponse"."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import orjson

from shared.providers.base import ChatDone, Failed, TokenUsage
from shared.providers.exchange import NoReply, Reply
from shared.providers.gemini_answers import inline_image, parts_of
from shared.providers.gemini_errors import answer_of, dicts, failure

_PROPER_ENDS: Final = frozenset({"STOP", "MAX_TOKENS"})


@dataclass(frozen=True, slots=True)
class Chunk:
    """A whole answer, or one event of a stream."""

    text: str
    tool_calls: tuple[dict[str, Any], ...]
    images: tuple[dict[str, Any], ...]
    end: str | None
    """`STOP` or `MAX_TOKENS` if the answer ends properly here."""
    usage: TokenUsage | None


def read_chunk(answer: dict[str, Any]) -> Chunk:
    """Whatever is not understood counts as not there."""
    parts = parts_of(answer)
    reason = finish_reason(answer)
    return Chunk(
        text="".join(text for part in parts if isinstance(text := part.get("text"), str)),
        tool_calls=tuple(call for part in parts if (call := _tool_call(part)) is not None),
        images=tuple(image for part in parts if (image := _image(part)) is not None),
        end=reason if reason in _PROPER_ENDS else None,
        usage=read_usage(answer.get("usageMetadata")),
    )


def read_chat(reply: Reply | NoReply) -> ChatDone | Failed:
    """The whole answer; one that does not say that it is finished is a failure."""
    if isinstance(reply, NoReply):
        return reply.failed_call()
    chunk = read_chunk(answer_of(reply))
    if not reply.accepted or chunk.end is None:
        return failure(reply)
    message: dict[str, Any] = {"role": "assistant", "content": chunk.text}
    if chunk.tool_calls:
        message |= {"content": chunk.text or None, "tool_calls": list(chunk.tool_calls)}
    if chunk.images:
        message["images"] = list(chunk.images)
    return ChatDone(message, openai_reason(chunk.end, bool(chunk.tool_calls)), chunk.usage)


def finish_reason(answer: dict[str, Any]) -> str | None:
    for candidate in dicts(answer.get("candidates"))[:1]:
        reason = candidate.get("finishReason")
        return reason if isinstance(reason, str) and reason else None
    return None


def openai_reason(end: str, called: bool) -> str:
    """OpenAI's `finish_reason`. Calls that were cut off at the limit are no turn to answer."""
    if end == "MAX_TOKENS":
        return "length"
    return "tool_calls" if called else "stop"


def read_usage(value: object) -> TokenUsage | None:
    """`usageMetadata`; thoughts are not in `candidatesTokenCount` and are paid like output."""
    if not isinstance(value, dict) or "promptTokenCount" not in value:
        return None
    thoughts = _count(value.get("thoughtsTokenCount"))
    return TokenUsage(
        input_tokens=_count(value.get("promptTokenCount")) + _count(value.get("toolUsePromptTokenCount")),
        output_tokens=_count(value.get("candidatesTokenCount")) + thoughts,
        cached_input_tokens=_count(value.get("cachedContentTokenCount")),
        reasoning_tokens=thoughts,
    )


def _tool_call(part: dict[str, Any]) -> dict[str, Any] | None:
    call = part.get("functionCall")
    if not isinstance(call, dict) or not isinstance(call.get("name"), str):
        return None
    arguments = orjson.dumps(call.get("args") or {}).decode()
    made = {
        "id": f"call_{uuid4().hex}",
        "type": "function",
        "function": {"name": call["name"], "arguments": arguments},
    }
    signature = part.get("thoughtSignature")
    if isinstance(signature, str):
        # The model wants it back with the call; Google's own OpenAI layer puts it there as well.
        made["extra_content"] = {"google": {"thought_signature": signature}}
    return made


def _image(part: dict[str, Any]) -> dict[str, Any] | None:
    """In the shape that OpenRouter gives images in chats."""
    found = inline_image(part)
    if found is None:
        return None
    content_type, data = found
    url = f"data:{content_type};base64,{b64encode(data).decode('ascii')}"
    return {"type": "image_url", "image_url": {"url": url}}


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
