"""Bodies and chunks of chat completions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from deploy.simulator.events import frame
from deploy.simulator.replies import Ending, FunctionCall, Reply
from deploy.simulator.text import verbatim

FINISH: Mapping[Ending, str] = {
    "stop": "stop",
    "length": "length",
    "calls": "tool_calls",
    "filter": "content_filter",
}
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One answer to be laid out. `head`: the fields that open its body and each of its chunks, but `object`.

    `choice`: what the last choice has beside its finish reason. `images`: data URIs. `delta`: what each piece
    of a stream has beside its own.
    """

    head: Mapping[str, Any]
    reply: Reply
    usage: Mapping[str, Any]
    images: Sequence[str] = ()
    choice: Mapping[str, Any] = field(default_factory=dict)
    delta: Mapping[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The completion in one piece."""
        choice = {"index": 0, "message": self._message(), "logprobs": None, **self._ending()}
        return {**self.head, "object": "chat.completion", "choices": [choice], "usage": self.usage}

    def chunks(self) -> list[bytes]:
        """The frames that bring the answer, piece by piece."""
        name = "refusal" if self.reply.refused else "content"
        deltas: list[dict[str, Any]] = [{name: piece} for piece in self.reply.written.pieces]
        for index, call in enumerate(self.reply.calls):
            deltas.extend(self._call_deltas(index, call))
        if self.images:
            deltas.append({"images": [_image(url) for url in self.images]})
        return [self.chunk({**self.delta, **delta}) for delta in deltas]

    def chunk(self, delta: Mapping[str, Any], ending: Mapping[str, Any] | None = None) -> bytes:
        """One frame with one choice."""
        choice = {"index": 0, "delta": delta, "logprobs": None, **(ending or {"finish_reason": None})}
        return frame({**self.head, "object": "chat.completion.chunk", "choices": [choice]})

    def end(self) -> bytes:
        """The frame that tells why the answer ended."""
        return self.chunk({}, self._ending())

    def usage_chunk(self) -> bytes:
        """The frame with the usage and no choice."""
        body = {**self.head, "object": "chat.completion.chunk", "choices": [], "usage": self.usage}
        return frame(body)

    def _ending(self) -> dict[str, Any]:
        return {"finish_reason": FINISH[self.reply.ending], **self.choice}

    def _message(self) -> dict[str, Any]:
        reply = self.reply
        text = None if reply.calls else reply.written.text
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None if reply.refused else text,
            "refusal": text if reply.refused else None,
        }
        if reply.calls:
            message["tool_calls"] = [
                {"id": self._call_id(index), "type": "function", "function": _function(call)}
                for index, call in enumerate(reply.calls)
            ]
        if self.images:
            message["images"] = [_image(url) for url in self.images]
        return message

    def _call_deltas(self, index: int, call: FunctionCall) -> list[dict[str, Any]]:
        function = _function(call)
        first = {"name": function["name"], "arguments": ""}
        opened = {"index": index, "id": self._call_id(index), "type": "function", "function": first}
        pieces = verbatim(function["arguments"], None).pieces
        more = [{"index": index, "function": {"arguments": piece}} for piece in pieces]
        return [{"tool_calls": [item]} for item in (opened, *more)]

    def _call_id(self, index: int) -> str:
        return f"call_{str(self.head['id']).rpartition('-')[2][:20]}{index}"


def _function(call: FunctionCall) -> dict[str, str]:
    return {"name": call.name, "arguments": orjson.dumps(call.arguments).decode()}


def _image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}
