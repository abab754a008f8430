"""Answers to chats as OpenAI words them. Pure. Source: platform.openai.com/docs, "Chat Completions"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shared.providers.base import TokenUsage
from shared.tasks.model import Task, Tokens

CHARACTERS_PER_TOKEN: Final = 4
"""About, in English; only for answers whose provider does not count."""


def completion_body(
    task: Task, message: Mapping[str, Any], finish_reason: str, usage: Mapping[str, Any]
) -> dict[str, Any]:
    """A whole `chat.completion`."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": None, "refusal": None, **message},
        "logprobs": None,
        "finish_reason": finish_reason,
    }
    return {**_head(task, "chat.completion"), "choices": [choice], "usage": usage}


class Chunks:
    """The `chat.completion.chunk` objects of one streamed answer."""

    def __init__(self, task: Task, include_usage: bool) -> None:
        self._head = _head(task, "chat.completion.chunk")
        # Who asks for usage finds it null in every chunk but the last.
        self._tail: dict[str, Any] = {"usage": None} if include_usage else {}
        self._begun = False

    def piece(self, delta: Mapping[str, Any]) -> dict[str, Any]:
        """A part of the answer; the first one tells the role."""
        told = delta if self._begun else {"role": "assistant", **delta}
        self._begun = True
        return self._chunk(told, None)

    def end(self, finish_reason: str) -> dict[str, Any]:
        """The chunk after the last part; of an empty answer the only one."""
        return self._chunk({} if self._begun else {"role": "assistant", "content": ""}, finish_reason)

    def usage(self, usage: Mapping[str, Any]) -> dict[str, Any]:
        """What the answer took, in a chunk without choices."""
        return {**self._head, "choices": [], "usage": usage}

    def _chunk(self, delta: Mapping[str, Any], finish_reason: str | None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return {**self._head, "choices": [choice], **self._tail}


def usage_body(tokens: Tokens, reasoning_tokens: int = 0) -> dict[str, Any]:
    """OpenAI's `usage`."""
    return {
        "prompt_tokens": tokens.input_tokens,
        "completion_tokens": tokens.output_tokens,
        "total_tokens": tokens.input_tokens + tokens.output_tokens,
        "prompt_tokens_details": {"cached_tokens": tokens.cached_input_tokens},
        "completion_tokens_details": {"reasoning_tokens": reasoning_tokens},
    }


def measured(usage: TokenUsage) -> Tokens:
    """What the provider counted."""
    return Tokens(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_input_tokens=usage.cached_input_tokens,
    )


def estimated(input_characters: int, output_characters: int) -> Tokens:
    """What an answer took that nobody counted."""
    return Tokens(
        input_tokens=-(-input_characters // CHARACTERS_PER_TOKEN),
        output_tokens=-(-output_characters // CHARACTERS_PER_TOKEN),
        estimated=True,
    )


def answer_length(said: Mapping[str, Any]) -> int:
    """How many characters a message or a part of one has, calls of functions included."""
    calls = said.get("tool_calls") or ()
    texts = [said.get("content"), said.get("refusal")]
    texts += [(call.get("function") or {}).get("arguments") for call in calls]
    return sum(len(text) for text in texts if isinstance(text, str))


def _head(task: Task, kind: str) -> dict[str, Any]:
    return {
        "id": task.id,
        "object": kind,
        "created": int(task.created_at.timestamp()),
        "model": task.public_model or task.model,
    }
