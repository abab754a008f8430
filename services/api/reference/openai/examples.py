"""The OpenAI-style dialect's examples. Every one is checked against its schema by the tests."""

from __future__ import annotations

from typing import Any

import orjson

CHAT_ID = "chatcmpl-01k6x0v7w3h2m9q4x1b8c5d7ef"
IMAGE_ID = "img_01k6x0v7w3h2m9q4x1b8c5d7ef"
_FILE = f"https://files.example.org/images/{IMAGE_ID}/0.png"
_HEN = "https://images.example.org/hen.png"
_CREATED = 1795166100
_USAGE = {
    "prompt_tokens": 14,
    "completion_tokens": 6,
    "total_tokens": 20,
    "prompt_tokens_details": {"cached_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0},
}

MODELS: dict[str, Any] = {
    "object": "list",
    "data": [
        {
            "id": "openai/gpt-5",
            "object": "model",
            "owned_by": "openrouter",
            "display_name": "GPT-5",
            "category": "chat",
            "capabilities": ["chat", "reasoning"],
            "credit_cost": 3,
        }
    ],
}
_ASKED = [{"role": "user", "content": "Why do hens cross roads?"}]
_TOOL = {
    "type": "function",
    "function": {
        "name": "find_hen",
        "description": "Where a hen is.",
        "parameters": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
    },
}


def chats(model: str) -> dict[str, Any]:
    """Requests for a chat model."""
    picture = {"type": "image_url", "image_url": {"url": _HEN}}
    question = {"type": "text", "text": "What bird is this?"}
    return {
        "A question": {"model": model, "messages": _ASKED},
        "As a stream": {
            "model": model,
            "messages": _ASKED,
            "stream": True,
            "stream_options": {"include_usage": True},
        },
        "About a picture": {"model": model, "messages": [{"role": "user", "content": [question, picture]}]},
        "With a function": {"model": model, "messages": _ASKED, "tools": [_TOOL], "tool_choice": "auto"},
    }


COMPLETION: dict[str, Any] = {
    "id": CHAT_ID,
    "object": "chat.completion",
    "created": _CREATED,
    "model": "openai/gpt-5",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "To get to the other side.", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": _USAGE,
}


def _chunk(delta: dict[str, Any], finish_reason: str | None) -> str:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    head = {name: COMPLETION[name] for name in ("id", "created", "model")}
    return (
        f"data: {orjson.dumps({**head, 'object': 'chat.completion.chunk', 'choices': [choice]}).decode()}\n\n"
    )


STREAM = (
    _chunk({"role": "assistant", "content": "To get "}, None)
    + _chunk({"content": "to the other side."}, None)
    + _chunk({}, "stop")
    + "data: [DONE]\n\n"
)
_TASK: dict[str, Any] = {
    "created": _CREATED,
    "data": [{"url": None, "b64_json": None}],
    "task_id": IMAGE_ID,
    "provider_task_id": None,
    "status": "pending",
    "model": "google/nano-banana",
}
PENDING = ("Accepted", _TASK)
COMPLETED = ("Completed", {**_TASK, "status": "completed", "data": [{"url": _FILE, "b64_json": None}]})
FAILED = (
    "Failed",
    {
        **_TASK,
        "status": "failed",
        "data": [],
        "error": {"message": "Task timed out", "type": "provider_error", "code": "provider_error"},
    },
)
EMBEDDINGS: dict[str, Any] = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.018, -0.442, 0.107]}],
    "model": "openai/text-embedding-3-small",
    "usage": {"prompt_tokens": 4, "total_tokens": 4},
}
LOGS: dict[str, Any] = {"object": "list", "data": [], "has_more": False, "next_cursor": None}
