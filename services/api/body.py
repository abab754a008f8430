"""Reading bodies: type, size and shape are checked before anything looks inside."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request

from services.api.errors import BodyTooLarge, MalformedRequest, UnsupportedMediaType
from services.api.json_limits import parse_json

_PARAMETER: Final = re.compile(r';\s*([A-Za-z*]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s";]+))')


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Bytes, counted while they come."""

    json: int = 1024 * 1024
    form: int = 64 * 1024 * 1024


def body_limits(request: Request) -> BodyLimits:
    """Those of the app that serves this request."""
    return getattr(request.state, "body_limits", None) or BodyLimits()


async def read_object(request: Request, most: int | None = None) -> dict[str, Any]:
    """The body's JSON object, of at most `most` bytes or what the settings say.

    Raises UnsupportedMediaType, BodyTooLarge and MalformedRequest."""
    expect_media_type(request, "application/json")
    content = parse_json(await read_bytes(request, most or body_limits(request).json))
    if not isinstance(content, dict):
        raise MalformedRequest("The body must be a JSON object")
    return content


def expect_media_type(request: Request, expected: str) -> dict[str, str]:
    """The parameters of the Content-Type. Raises UnsupportedMediaType for another type, charset or coding."""
    given = request.headers.get("content-type", "")
    if given == expected and "content-encoding" not in request.headers:
        return {}
    media_type = given.partition(";")[0].strip().lower()
    parameters = parameters_of(given)
    if media_type != expected:
        raise UnsupportedMediaType(
            f"Content-Type is {media_type[:100]!r}; send the body as {expected}"
            if media_type
            else f"Content-Type is missing; send the body as {expected}"
        )
    if "charset*" in parameters or parameters.get("charset", "utf-8").lower() not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType("The charset of the body must be utf-8")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("The body must come without Content-Encoding")
    return parameters


async def read_bytes(request: Request, most: int) -> bytes:
    """The whole body, counted while it comes. Raises BodyTooLarge, at once where the length says so."""
    refuse_announced(request, most)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise too_large(most)
    return bytes(body)


def refuse_announced(request: Request, most: int) -> None:
    """Raises BodyTooLarge for a Content-Length beyond `most`."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced[:20]) > most:
        raise too_large(most)


def too_large(most: int) -> BodyTooLarge:
    """What is said to a body of more than `most` bytes."""
    return BodyTooLarge(f"The request body is larger than {most} bytes")


def parameters_of(header: str) -> dict[str, str]:
    """What follows the first semicolon of a header such as Content-Type, by lower-case name."""
    return {
        match[1].lower(): match[2] if match[2] is not None else match[3]
        for match in _PARAMETER.finditer(header)
    }
