"""OpenAI's chat completions on the wire, which OpenRouter speaks too. Pure.

Sources: platform.openai.com/docs, "Chat Completions"; openrouter.ai/docs, "API Reference" and "Errors".
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum, auto
from math import inf
from typing import Any, Final

import orjson

from shared.money import NANO_PER_USD
from shared.providers.base import ChatDelta, ChatDone, ChatEnd, ChatRequest, TokenUsage
from shared.providers.exchange import Reply

DONE: Final = b"[DONE]"
"""The data of the event after a stream's last chunk."""

_FINISH_REASONS: Final = frozenset({"stop", "length", "tool_calls", "content_filter"})
_FIELDS: Final = ("role", "content", "tool_calls", "refusal", "images")


def chat_body(request: ChatRequest) -> dict[str, Any]:
    """The body of a call that is answered at once; the route's options win over everything else."""
    return {
        "model": request.upstream_model,
        "messages": list(request.messages),
        **request.parameters,
        **request.options,
    }


def streamed(body: Mapping[str, Any]) -> dict[str, Any]:
    """The same call, answered in chunks, with a last one that counts the tokens."""
    return {**body, "stream": True, "stream_options": {"include_usage": True}}


def read_completion(body: Mapping[str, Any]) -> ChatDone | None:
    """A whole answer, or None if this is none."""
    choice = first_choice(body)
    message = choice.get("message")
    if not isinstance(message, dict):
        return None
    kept = {"role": "assistant", "content": None, **_kept(message)}
    return ChatDone(kept, finish_reason(choice.get("finish_reason")), read_usage(body.get("usage")))


def read_usage(usage: object) -> TokenUsage | None:
    """`{"prompt_tokens", "completion_tokens", "prompt_tokens_details": {"cached_tokens"}, …, "cost"?}`.

    Embeddings have no `completion_tokens`. None without a count of input tokens.
    """
    if not isinstance(usage, dict) or type(usage.get("prompt_tokens")) is not int:
        return None
    return TokenUsage(
        usage["prompt_tokens"],
        _count(usage, "completion_tokens"),
        _count(usage.get("prompt_tokens_details"), "cached_tokens"),
        _count(usage.get("completion_tokens_details"), "reasoning_tokens"),
        cost_nano(usage),
    )


def cost_nano(usage: object) -> int | None:
    """OpenRouter's `usage.cost` (USD as a JSON number) in nano-USD by its decimal digits, rounded half up."""
    cost = usage.get("cost") if isinstance(usage, dict) else None
    if isinstance(cost, bool) or not isinstance(cost, int | float) or not 0 <= cost < inf:
        return None
    return int((Decimal(str(cost)) * NANO_PER_USD).to_integral_value(ROUND_HALF_UP))


def finish_reason(word: object) -> str:
    """One of OpenAI's four words; any other counts as `stop`."""
    return word if isinstance(word, str) and word in _FINISH_REASONS else "stop"


def first_choice(body: Mapping[str, Any]) -> dict[str, Any]:
    """`choices[0]`, or an empty object."""
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    return choice if isinstance(choice, dict) else {}


def stated_error(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """The error of an answer or of a chunk, whatever the status: `error`, `choices[0].error`, or a choice
    that ended with `finish_reason: "error"` and says no more (an empty object). None if there is none.
    """
    choice = first_choice(body)
    for error in (body.get("error"), choice.get("error")):
        if isinstance(error, dict):
            return error
        if error:
            return {"message": str(error)}
    return {} if choice.get("finish_reason") == "error" else None


def stated_status(reply: Reply, error: Mapping[str, Any]) -> int:
    """The status of the answer; inside a 2xx the error's own `code`, where that is a number."""
    code = error.get("code")
    if reply.accepted and isinstance(code, int | str) and str(code).isdecimal():
        return int(code)
    return reply.status


class ChunkFault(Enum):
    """Why a streamed answer cannot go on."""

    MALFORMED = auto()
    STATED_ERROR = auto()
    """The chunk tells of a failure; see `stated_error`."""


class ChunkReader:
    """Reads the chunks of one streamed answer, one event's data each."""

    def __init__(self) -> None:
        self._finish_reason: str | None = None
        self._usage: TokenUsage | None = None
        self._role_told = False

    def read(self, data: bytes) -> ChatDelta | ChunkFault | None:
        """What the chunk adds to the answer; None if it adds nothing, as the one that only counts tokens."""
        try:
            chunk = orjson.loads(data)
        except orjson.JSONDecodeError:
            return ChunkFault.MALFORMED
        if not isinstance(chunk, dict):
            return ChunkFault.MALFORMED
        if stated_error(chunk) is not None:
            return ChunkFault.STATED_ERROR
        if (usage := chunk.get("usage")) is not None:
            self._usage = read_usage(usage)
        if chunk.get("choices") == []:
            return None
        choice = first_choice(chunk)
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            return ChunkFault.MALFORMED
        if (reason := choice.get("finish_reason")) is not None:
            self._finish_reason = finish_reason(reason)
        kept = _kept(delta)
        # OpenRouter tells the role in every chunk; OpenAI once, and its client joins what comes twice.
        if self._role_told:
            kept.pop("role", None)
        self._role_told = self._role_told or "role" in kept
        return ChatDelta(kept) if kept else None

    @property
    def complete(self) -> bool:
        """Nothing but `[DONE]` can follow."""
        return self._finish_reason is not None and self._usage is not None

    def end(self) -> ChatEnd | None:
        """The end of the answer; None if no chunk said that it is over, so that something is missing."""
        if self._finish_reason is None:
            return None
        return ChatEnd(self._finish_reason, self._usage)


def _kept(message: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name in _FIELDS if (value := message.get(name)) is not None}


def _count(details: object, name: str) -> int:
    value = details.get(name) if isinstance(details, dict) else None
    return value if type(value) is int else 0
