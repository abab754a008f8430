"""The messages of a chat, checked before any money is held. Pure.

Source: platform.openai.com/docs, "Create chat completion". They go to providers as they came.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from services.api.dialects.openai.errors import MessagesRequired
from services.api.errors import InvalidField

Message = Mapping[str, Any]

MOST_MESSAGES: Final = 2048
MOST_IMAGES: Final = 16
_PARTS: Final = {
    "system": ("text",),
    "developer": ("text",),
    "user": ("text", "image_url"),
    "assistant": ("text", "refusal"),
    "tool": ("text",),
}
_DATA_URL: Final = re.compile(r"data:image/(?:png|jpeg|webp|gif);base64,[A-Za-z0-9+/=\s]+")


def checked_messages(value: object) -> tuple[Message, ...]:
    """The messages of a body. Raises MessagesRequired and InvalidField."""
    if value is None or value == []:
        raise MessagesRequired
    if not isinstance(value, list):
        raise InvalidField("messages must be an array")
    if len(value) > MOST_MESSAGES:
        raise InvalidField(f"messages must have at most {MOST_MESSAGES} items")
    for number, message in enumerate(value):
        _check(f"messages[{number}]", message)
    if sum(1 for _ in image_urls(value)) > MOST_IMAGES:
        raise InvalidField(f"messages must have at most {MOST_IMAGES} images")
    return tuple(value)


def image_urls(messages: Sequence[Message]) -> Iterator[str]:
    """The addresses of all pictures in checked messages, `data:` URLs among them."""
    for message in messages:
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if part["type"] == "image_url":
                yield part["image_url"]["url"]


def is_inline(url: str) -> bool:
    """Whether the address is the picture itself."""
    return url[:5].lower() == "data:"


def text_length(messages: Sequence[Message]) -> int:
    """How many characters a model has to read, pictures aside."""
    return sum(map(_length, messages))


def _length(message: Message) -> int:
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"text": content or ""}]
    calls = message.get("tool_calls") or ()
    return sum(len(part.get("text") or part.get("refusal") or "") for part in parts) + sum(
        len(call["function"]["arguments"]) for call in calls
    )


def _check(path: str, message: object) -> None:
    if not isinstance(message, dict):
        raise InvalidField(f"{path} must be an object")
    role = message.get("role")
    if not isinstance(role, str) or role not in _PARTS:
        raise InvalidField(f"{path}.role must be one of: {', '.join(_PARTS)}")
    calls = message.get("tool_calls")
    if role == "assistant" and calls is not None:
        _check_calls(f"{path}.tool_calls", calls)
    content = message.get("content")
    if content is None:
        if role != "assistant" or not (calls or message.get("refusal")):
            raise InvalidField(f"{path}.content is required")
    elif isinstance(content, list):
        _check_parts(f"{path}.content", role, content)
    elif not isinstance(content, str):
        raise InvalidField(f"{path}.content must be a string or an array of parts")
    if role == "tool" and not (isinstance(message.get("tool_call_id"), str) and message["tool_call_id"]):
        raise InvalidField(f"{path}.tool_call_id is required: the id of the call that this answers")


def _check_parts(path: str, role: str, parts: Sequence[object]) -> None:
    if not parts:
        raise InvalidField(f"{path} must not be empty")
    for number, part in enumerate(parts):
        here = f"{path}[{number}]"
        kind = part.get("type") if isinstance(part, dict) else None
        if not isinstance(part, dict) or kind not in _PARTS[role]:
            raise InvalidField(f"{here}.type must be one of: {', '.join(_PARTS[role])}")
        if kind == "image_url":
            _check_image(f"{here}.image_url", part.get("image_url"))
        elif not isinstance(part.get(kind), str):
            raise InvalidField(f"{here}.{kind} must be a string")


def _check_image(path: str, image: object) -> None:
    url = image.get("url") if isinstance(image, dict) else None
    if not isinstance(url, str) or not url:
        raise InvalidField(f"{path}.url is required: an address, or a data: URL with the picture in base64")
    if is_inline(url) and not _DATA_URL.fullmatch(url):
        raise InvalidField(f"{path}.url must be a PNG, JPEG, WebP or GIF: data:image/png;base64,…")


def _check_calls(path: str, calls: object) -> None:
    if not isinstance(calls, list):
        raise InvalidField(f"{path} must be an array")
    for number, call in enumerate(calls):
        function = call.get("function") if isinstance(call, dict) else None
        whole = (
            isinstance(call, dict)
            and isinstance(call.get("id"), str)
            and isinstance(function, dict)
            and isinstance(function.get("name"), str)
            and isinstance(function.get("arguments"), str)
        )
        if not whole:
            raise InvalidField(
                f"{path}[{number}] must have an id and a function with name and arguments, all strings"
            )
