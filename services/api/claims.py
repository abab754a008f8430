"""What a client means by an Idempotency-Key, and the answer that is kept for it. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from fastapi import Request, Response

from services.api.errors import MalformedRequest
from shared.mongo import Document

HEADER: Final = "Idempotency-Key"
MOST_KEPT_BYTES: Final = 1024 * 1024
"""A longer answer is not kept."""

_KEY: Final = re.compile(r"[A-Za-z0-9_:\-]{1,255}")


@dataclass(frozen=True, slots=True)
class Claim:
    """A key, and what its request asks for: the endpoint and the body, as a hash."""

    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes a client gets; of a stream, all of them together."""

    status: int
    body: bytes
    media_type: str = "application/json"

    def response(self) -> Response:
        return Response(self.body, self.status, media_type=self.media_type)

    def to_document(self) -> Document:
        return {"status": self.status, "body": self.body, "media_type": self.media_type}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Answer:
        return cls(document["status"], document["body"], document["media_type"])


def claim_of(request: Request, scope: str, content: Mapping[str, Any]) -> Claim | None:
    """The claim in a request's `Idempotency-Key`; None without that header.

    `scope` names the endpoint, such as `eggapi.generate`; `content` is the parsed body, whose order of keys
    does not matter. Raises MalformedRequest for anything but one key of 1 to 255 characters A-Z a-z 0-9 _ : -
    """
    given = request.headers.getlist(HEADER)
    if not given:
        return None
    if len(given) > 1 or not _KEY.fullmatch(given[0]):
        raise MalformedRequest(f"{HEADER} must be 1 to 255 characters of A-Z a-z 0-9 _ : -")
    body = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return Claim(given[0], hashlib.sha256(scope.encode() + b"\0" + body).digest())
