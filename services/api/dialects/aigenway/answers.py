"""What text calls give, in Aigenway's form. Pure. Source: the platform's Gemini guide and method pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from services.api.dialects.aigenway.conversations import TextCall
from services.api.dialects.aigenway.json_schemas import follows
from services.api.dialects.openai.chat_mapping import answer_length, estimated, measured
from shared.providers.base import ChatDone, EmbeddingDone
from shared.providers.errors import ErrorClass
from shared.tasks.model import TaskFailure, Tokens

Result = Mapping[str, Any]

_FINISH_REASONS: Final = {"length": "MAX_TOKENS", "content_filter": "SAFETY"}
"""Gemini's words; a call of functions is a STOP there too."""
NO_JSON: Final = TaskFailure(
    error_class=ErrorClass.NO_OUTPUT, message="The model's answer is not the JSON that was asked for"
)


def text_result(model: str, done: ChatDone, tokens: Tokens) -> Result:
    """`meta` only where functions are called."""
    result: dict[str, Any] = {
        "text": done.message.get("content") or "",
        "finish_reason": _FINISH_REASONS.get(done.finish_reason, "STOP"),
        "model": model,
        "usage": _usage(tokens),
        "files": [],
    }
    if calls := done.message.get("tool_calls"):
        result["meta"] = {"tool_calls": list(calls)}
    return result


def embedding_result(model: str, done: EmbeddingDone, tokens: Tokens) -> Result:
    """One vector for each input, in order."""
    vectors = [list(vector) for vector in done.vectors]
    return {"model": model, "usage": _usage(tokens), "files": [], "meta": {"embeddings": vectors}}


def with_meta(body: dict[str, Any], result: Result | None) -> dict[str, Any]:
    """The platform tells `meta` inside the result in some places and beside it in others."""
    return {**body, "meta": result["meta"]} if result is not None and "meta" in result else body


def refusal_of(call: TextCall, done: ChatDone) -> TaskFailure | None:
    """Why an answer cannot be delivered as the JSON that was asked for. One cut off at its limit can."""
    if not call.wants_json or done.finish_reason != "stop" or done.message.get("tool_calls"):
        return None
    try:
        value = orjson.loads(done.message.get("content") or "")
    except orjson.JSONDecodeError:
        return NO_JSON
    return None if call.schema is None or follows(value, call.schema) else NO_JSON


def chat_tokens(call: TextCall, done: ChatDone) -> Tokens:
    """What the provider counted, else an estimate."""
    if done.usage is not None:
        return measured(done.usage)
    return estimated(call.characters, answer_length(done.message))


def embedding_tokens(characters: int, done: EmbeddingDone) -> Tokens:
    """The same of embeddings."""
    return measured(done.usage) if done.usage is not None else estimated(characters, 0)


def _usage(tokens: Tokens) -> dict[str, int]:
    return {
        "input_tokens": tokens.input_tokens,
        "output_tokens": tokens.output_tokens,
        "total_tokens": tokens.input_tokens + tokens.output_tokens,
    }
