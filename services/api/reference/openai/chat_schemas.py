"""Bodies of chats."""

from __future__ import annotations

from collections.abc import Sequence

from services.api.dialects.openai.chat_schemas import MOST_TOOLS
from services.api.dialects.openai.messages import MOST_MESSAGES
from services.api.reference.schema import (
    Schema,
    flag,
    listing,
    number,
    or_null,
    record,
    ref,
    request,
    text,
    whole,
)

_OPEN: Schema = {"type": "object"}


def chat_schemas(models: Sequence[str]) -> dict[str, Schema]:
    """By name."""
    return {
        "ChatRequest": _asked(models),
        "Message": _message(),
        "Tool": _tool(),
        "Completion": _completion(),
        "CompletionChunk": _chunk(),
        "Usage": _usage(),
    }


def _asked(models: Sequence[str]) -> Schema:
    return request(
        {
            "model": text("As `GET /api/v1/models` lists it.", enum=list(models)),
            "messages": listing(ref("Message"), "The chat so far.", minItems=1, maxItems=MOST_MESSAGES),
        },
        {
            "stream": flag("Answer as server-sent events.", default=False),
            "stream_options": {"type": "object", "properties": {"include_usage": flag()}},
            "temperature": number(minimum=0, maximum=2),
            "top_p": number(minimum=0, maximum=1),
            "top_k": whole(minimum=1),
            "max_completion_tokens": whole("Wins over `max_tokens`.", minimum=1),
            "max_tokens": whole(minimum=1),
            "stop": {"anyOf": [text(), listing(text(), maxItems=4)]},
            "n": whole("Only 1.", minimum=1, maximum=1),
            "seed": whole(minimum=-(2**63), maximum=2**63 - 1),
            "presence_penalty": number(minimum=-2, maximum=2),
            "frequency_penalty": number(minimum=-2, maximum=2),
            "tools": listing(ref("Tool"), maxItems=MOST_TOOLS),
            "tool_choice": {
                "description": "`auto`, `none`, `required`, or the function to call; needs `tools`.",
                "anyOf": [text(enum=["auto", "none", "required"]), _OPEN],
            },
            "parallel_tool_calls": flag(),
            "response_format": {
                **record({"type": text(enum=["text", "json_object", "json_schema"])}),
                "description": "`json_schema` needs a `json_schema` with a `name`.",
            },
            "reasoning_effort": text(minLength=1, maxLength=20),
            "user": text(maxLength=512),
        },
        "As OpenAI's own; unknown fields are ignored.",
    )


def _message() -> Schema:
    part = record(
        {
            "type": text(enum=["text", "image_url", "refusal"]),
            "text": text(),
            "refusal": text(),
            "image_url": record({"url": text("An address, or a `data:` URL in base64.")}),
        },
        "text", "refusal", "image_url",
    )  # fmt: skip
    return record(
        {
            "role": text(enum=["system", "developer", "user", "assistant", "tool"]),
            "content": {"anyOf": [text(), listing(part, minItems=1), {"type": "null"}]},
            "tool_calls": listing(_OPEN, "Of an assistant, as it gave them."),
            "tool_call_id": text("Of a tool: the call that this answers."),
        },
        "content", "tool_calls", "tool_call_id",
    )  # fmt: skip


def _tool() -> Schema:
    function = record(
        {
            "name": text(pattern="^[A-Za-z0-9_.:-]{1,128}$"),
            "description": text(),
            "parameters": {**_OPEN, "description": "A JSON Schema."},
            "strict": flag(),
        },
        "description", "parameters", "strict",
    )  # fmt: skip
    return record({"type": text(const="function"), "function": function})


def _completion() -> Schema:
    choice = record(
        {
            "index": whole(minimum=0),
            "message": record(
                {
                    "role": text(const="assistant"),
                    "content": or_null(text()),
                    "refusal": or_null(text()),
                    "tool_calls": listing(_OPEN),
                },
                "tool_calls",
                additionalProperties=True,
            ),
            "logprobs": {"type": "null"},
            "finish_reason": text(),
        }
    )
    return record({**_head("chat.completion"), "choices": listing(choice), "usage": ref("Usage")})


def _chunk() -> Schema:
    delta = record(
        {"role": text(const="assistant"), "content": or_null(text()), "tool_calls": listing(_OPEN)},
        "role", "content", "tool_calls",
        additionalProperties=True,
    )  # fmt: skip
    choice = record(
        {
            "index": whole(minimum=0),
            "delta": delta,
            "logprobs": {"type": "null"},
            "finish_reason": or_null(text()),
        }
    )
    usage: Schema = {
        "anyOf": [ref("Usage"), {"type": "null"}],
        "description": "In the last chunk, if asked for.",
    }
    return record(
        {**_head("chat.completion.chunk"), "choices": listing(choice), "usage": usage}, "usage"
    )  # fmt: skip


def _usage() -> Schema:
    count = whole(minimum=0)
    return record(
        {
            "prompt_tokens": count,
            "completion_tokens": count,
            "total_tokens": count,
            "prompt_tokens_details": record({"cached_tokens": count}),
            "completion_tokens_details": record({"reasoning_tokens": count}),
        }
    )


def _head(kind: str) -> dict[str, Schema]:
    return {
        "id": text(pattern="^chatcmpl-"),
        "object": text(const=kind),
        "created": whole("Unix seconds."),
        "model": text(),
    }
