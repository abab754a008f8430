"""Reading JSON bodies: type, size and shape are checked before anything looks inside."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import Request

from services.api.errors import BodyTooLarge, MalformedRequest, UnsupportedMediaType

MOST_BODY_BYTES = 1024 * 1024


async def read_object(request: Request) -> dict[str, Any]:
    """The body's JSON object. Raises UnsupportedMediaType, BodyTooLarge and MalformedRequest."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaType(
            f"Content-Type is {media_type!r}; send the body as application/json"
            if media_type
            else "Content-Type is missing; send the body as application/json"
        )
    try:
        content = orjson.loads(await read_bytes(request, MOST_BODY_BYTES))
    except orjson.JSONDecodeError as error:
        raise MalformedRequest(f"The body is not valid JSON: {error}") from error
    if not isinstance(content, dict):
        raise MalformedRequest("The body must be a JSON object")
    return content


async def read_bytes(request: Request, most: int) -> bytes:
    """The whole body, counted while it comes. Raises BodyTooLarge."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise BodyTooLarge(f"The request body is larger than {most} bytes")
    return bytes(body)
