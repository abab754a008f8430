"""OpenAI's chat messages as Gemini's contents. Pure. Source: ai.google.dev/api, "Content"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from shared.errors import HatcheryError
from shared.providers.gemini_requests import inline_part
from shared.providers.tools import InputImage

_CHECKS_SIGNATURES: Final = re.compile(r"gemini-[3-9]")
_UNSIGNED: Final = "skip_thought_signature_validator"
"""In place of a signature that a client did not keep. Source: ai.google.dev, "Thought signatures"."""


class InvalidChat(HatcheryError):
    """The conversation holds what this model cannot be given."""

    code, status = "invalid_chat", 422


def image_urls(messages: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Every image address in the messages, once, `data:` URLs among them. Raises InvalidChat."""
    return tuple(
        dict.fromkeys(
            _image_url(part)
            for message in messages
            for part in _parts(message)
            if part.get("type") == "image_url"
        )
    )


class Conversation:
    """Collects messages: system and developer texts apart, the answers to one turn's calls together."""

    def __init__(self, upstream_model: str, images: Mapping[str, InputImage]) -> None:
        self.instructions: list[dict[str, Any]] = []
        self.contents: list[dict[str, Any]] = []
        self._images = images
        self._checked = _CHECKS_SIGNATURES.search(upstream_model) is not None
        self._functions: dict[str, str] = {}
        self._answering = False

    def add(self, message: Mapping[str, Any]) -> None:
        """Raises InvalidChat."""
        role = message.get("role")
        if role == "tool":
            self._add_response(message)
            return
        parts = [self._part(part) for part in _parts(message)]
        if role in ("system", "developer"):
            self.instructions += parts
        elif role == "user":
            self._append("user", parts)
        elif role == "assistant":
            self._append("model", [*parts, *self._calls(message)])
        else:
            raise InvalidChat("a message has a role that is not supported")

    def _append(self, role: str, parts: list[dict[str, Any]]) -> None:
        self._answering = False
        if parts:
            self.contents.append({"role": role, "parts": parts})

    def _part(self, part: Mapping[str, Any]) -> dict[str, Any]:
        if part.get("type") == "image_url":
            return inline_part(self._images[_image_url(part)])
        return {"text": _text_of(part)}

    def _calls(self, message: Mapping[str, Any]) -> list[dict[str, Any]]:
        parts = [self._call(call) for call in _listed(message.get("tool_calls"))]
        # Of parallel calls only the first is signed.
        if parts and self._checked and not any("thoughtSignature" in part for part in parts):
            parts[0]["thoughtSignature"] = _UNSIGNED
        return parts

    def _call(self, call: object) -> dict[str, Any]:
        function = call.get("function") if isinstance(call, Mapping) else None
        if not (
            isinstance(call, Mapping)
            and isinstance(function, Mapping)
            and isinstance(function.get("name"), str)
        ):
            raise InvalidChat("a tool call names no function")
        self._functions[str(call.get("id"))] = function["name"]
        part: dict[str, Any] = {
            "functionCall": {"name": function["name"], "args": _arguments(function.get("arguments"))}
        }
        if signature := _signature(call):
            part["thoughtSignature"] = signature
        return part

    def _add_response(self, message: Mapping[str, Any]) -> None:
        name = self._functions.get(str(message.get("tool_call_id")))
        if name is None:
            raise InvalidChat("a tool message answers no tool call")
        text = "".join(_text_of(part) for part in _parts(message))
        part = {"functionResponse": {"name": name, "response": _response(text)}}
        if self._answering:
            self.contents[-1]["parts"].append(part)
        else:
            self._append("user", [part])
            self._answering = True


def _parts(message: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The parts of a message's content, then the images of an earlier answer; empty texts are left out."""
    content = message.get("content")
    listed = [{"type": "text", "text": content}] if isinstance(content, str) else _listed(content)
    for part in (*listed, *_listed(message.get("images"))):
        if not isinstance(part, Mapping):
            raise InvalidChat("a content part is no object")
        if part.get("type") != "text" or part.get("text") != "":
            yield part


def _listed(value: object) -> Sequence[Any]:
    if value is not None and not isinstance(value, list | tuple):
        raise InvalidChat("a message has no list where one belongs")
    return value or ()


def _text_of(part: Mapping[str, Any]) -> str:
    kind = part.get("type")
    text = part.get(kind) if kind in ("text", "refusal") else None
    if not isinstance(text, str):
        raise InvalidChat("only text and image_url are supported as content parts")
    return text


def _image_url(part: Mapping[str, Any]) -> str:
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, Mapping) else image
    if not isinstance(url, str):
        raise InvalidChat("an image_url part has no url")
    return url


def _arguments(text: object) -> dict[str, Any]:
    """The arguments of a call: an object as JSON text. Some clients send nothing for none."""
    try:
        value = orjson.loads(text) if isinstance(text, str) and text.strip() else {}
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise InvalidChat("the arguments of a tool call are not a JSON object")
    return value


def _response(text: str) -> dict[str, Any]:
    """Gemini wants an object; anything else becomes its `result`."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = text
    return value if isinstance(value, dict) else {"result": value}


def _signature(call: Mapping[str, Any]) -> str | None:
    """Where Google's own OpenAI layer puts it: `extra_content.google.thought_signature`."""
    extra = call.get("extra_content")
    google = extra.get("google") if isinstance(extra, Mapping) else None
    signature = google.get("thought_signature") if isinstance(google, Mapping) else None
    return signature if isinstance(signature, str) else None
