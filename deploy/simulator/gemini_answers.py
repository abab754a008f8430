"""Answers of Gemini: candidates, usage, and the chunks of a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.simulator.events import Stream, frame
from deploy.simulator.faults import Fault, Then
from deploy.simulator.gemini_problems import IN_STREAM
from deploy.simulator.gemini_requests import ContentRequest
from deploy.simulator.replies import Reply, reply_to

_END = b"\r\n\r\n"
_IMAGE_TOKENS = 1290
_FINISH = {"stop": "STOP", "length": "MAX_TOKENS", "calls": "STOP", "filter": "SAFETY"}
_NO_PICTURE = (Fault.NO_MEDIA_GENERATED, Fault.EMPTY_OUTPUT)
_CAPTION = "Here is your picture."


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One answer to be laid out. `parts`: what the candidate holds, in streaming order.

    `finish` None stands for a prompt that was blocked: no candidate at all.
    """

    model: str
    id: str
    parts: Sequence[Mapping[str, Any]]
    finish: str | None
    usage: Mapping[str, Any]
    message: str | None = None

    def body(self) -> dict[str, Any]:
        """The answer in one piece; neighbouring texts are joined."""
        if self.finish is None:
            return {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, **self._tail()}
        return {"candidates": [self._candidate(_joined(self.parts), self.finish)], **self._tail()}

    def stream(self) -> Stream:
        """The answer in frames: one for each part, and one that says why it ended."""
        chunks = [
            frame({"candidates": [self._candidate([part], None)], **self._tail()}, _END)
            for part in (self.parts if self.finish is not None else ())
        ]
        closing = self.body() if self.finish is None else self._last()
        return Stream(chunks=chunks, closing=[frame(closing, _END)], error=frame(IN_STREAM.body, _END))

    def _last(self) -> dict[str, Any]:
        return {"candidates": [self._candidate([], self.finish)], **self._tail()}

    def _candidate(self, parts: Sequence[Mapping[str, Any]], finish: str | None) -> dict[str, Any]:
        candidate: dict[str, Any] = {"index": 0}
        if parts or finish in ("STOP", "MAX_TOKENS"):
            candidate["content"] = {"role": "model", "parts": parts or [{"text": ""}]}
        if finish is not None:
            candidate["finishReason"] = finish
        if finish is not None and self.message is not None:
            candidate["finishMessage"] = self.message
        return candidate

    def _tail(self) -> dict[str, Any]:
        return {"usageMetadata": self.usage, "modelVersion": self.model, "responseId": self.id}


def content(
    model: str, response_id: str, asked: ContentRequest, then: Then, pictures: Sequence[str]
) -> Content:
    """What Gemini answers. `pictures` in base64, as many as were drawn."""
    drawn = len(pictures)
    if then.strikes(Fault.REFUSAL, "submit"):
        blocked = _usage(asked, 0, 0)
        return Content(model=model, id=response_id, parts=(), finish=None, usage=blocked)
    if asked.draws:
        parts, finish, message = _drawing(asked, then, pictures)
        usage = _usage(asked, 6 if asked.tells and drawn else 0, drawn)
        return Content(model=model, id=response_id, parts=parts, finish=finish, usage=usage, message=message)
    reply = reply_to(asked.wish, then)
    finish = "SAFETY" if reply.refused else _FINISH[reply.ending]
    parts = [] if reply.refused else list(_said(reply))
    usage = _usage(asked, 0 if reply.refused else reply.tokens, 0)
    return Content(model=model, id=response_id, parts=parts, finish=finish, usage=usage)


def _drawing(
    asked: ContentRequest, then: Then, pictures: Sequence[str]
) -> tuple[list[dict[str, Any]], str, str | None]:
    if then.fault in (Fault.REFUSAL, Fault.CONTENT_FILTER):
        return [], "IMAGE_SAFETY", "Unable to show the generated image: it was filtered out."
    if then.fault in _NO_PICTURE:
        return [], "NO_IMAGE", "No image was generated."
    caption = [{"text": _CAPTION}] if asked.tells else []
    images = [{"inlineData": {"mimeType": "image/png", "data": data}} for data in pictures]
    return [*caption, *images], "STOP", None


def _said(reply: Reply) -> Iterator[dict[str, Any]]:
    for call in reply.calls:
        yield {"functionCall": {"name": call.name, "args": call.arguments}}
    for piece in reply.written.pieces:
        yield {"text": piece}


def _joined(parts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    texts = [part["text"] for part in parts if "text" in part]
    rest = [part for part in parts if "text" not in part]
    return [{"text": "".join(texts)}, *rest] if texts else rest


def _usage(asked: ContentRequest, text_tokens: int, drawn: int) -> dict[str, Any]:
    image_tokens = drawn * _IMAGE_TOKENS
    written = text_tokens + image_tokens
    usage: dict[str, Any] = {
        "promptTokenCount": asked.prompt_tokens,
        "candidatesTokenCount": written,
        "totalTokenCount": asked.prompt_tokens + written,
    }
    if drawn:
        usage["candidatesTokensDetails"] = [{"modality": "IMAGE", "tokenCount": image_tokens}]
    return usage
