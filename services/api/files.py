"""Generated files, streamed from the bucket where no public address of it is set."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from services.api.errors import NotFound
from shared.files import Files, StoredFile

_TASK_ID = re.compile(r"[a-z]{3,8}_[0-9a-z]{26}")
_IMAGE = re.compile(r"[0-9]{1,2}\.(png|jpg|jpeg|webp|gif)")
_VIDEO = re.compile(r"[0-9]{1,2}\.mp4")
_INLINE_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif", "video/mp4"})
_ONE_PART = re.compile(r"bytes=([0-9]{1,15}-[0-9]{0,15}|-[0-9]{1,15})")


def file_endpoints(files: Files) -> APIRouter:
    """`GET /images/{task_id}/{name}`, `/videos/…`: no key needed, the task's id cannot be guessed."""
    router = APIRouter()

    @router.api_route("/images/{task_id}/{name}", methods=["GET", "HEAD"])
    async def read_image(request: Request, task_id: str, name: str) -> Response:
        if not _TASK_ID.fullmatch(task_id) or not _IMAGE.fullmatch(name):
            raise NotFound
        return await _answer(files, request, f"images/{task_id}/{name}")

    @router.api_route("/videos/{task_id}/{name}", methods=["GET", "HEAD"])
    async def read_video(request: Request, task_id: str, name: str) -> Response:
        if not _TASK_ID.fullmatch(task_id) or not _VIDEO.fullmatch(name):
            raise NotFound
        return await _answer(files, request, f"videos/{task_id}/{name}")

    return router


async def _answer(files: Files, request: Request, key: str) -> Response:
    stack = AsyncExitStack()
    stored = await stack.enter_async_context(files.read(key, _part(request)))
    if stored.content_range is not None and request.headers.get("if-range", stored.etag) != stored.etag:
        await stack.aclose()
        stored = await stack.enter_async_context(files.read(key))
    headers = _headers(stored)
    if request.method == "HEAD" or request.headers.get("if-none-match") == stored.etag:
        await stack.aclose()
        return Response(status_code=200 if request.method == "HEAD" else 304, headers=headers)
    status = 200 if stored.content_range is None else 206
    return StreamingResponse(_chunks(stack, stored), status, headers=headers)


def _part(request: Request) -> str | None:
    """The one part that is asked for. Who asks for several gets the whole, as HTTP allows."""
    asked = request.headers.get("range", "")
    plain = request.method == "GET" and "if-none-match" not in request.headers
    return asked if plain and _ONE_PART.fullmatch(asked) else None


def _headers(stored: StoredFile) -> dict[str, str]:
    inline = stored.content_type in _INLINE_TYPES
    headers = {
        "Content-Type": stored.content_type if inline else "application/octet-stream",
        "Content-Length": str(stored.size),
        "Content-Disposition": "inline" if inline else "attachment",
        "ETag": stored.etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "public, max-age=31536000, immutable",
        "X-Content-Type-Options": "nosniff",
    }
    if stored.content_range is not None:
        headers["Content-Range"] = stored.content_range
    return headers


async def _chunks(stack: AsyncExitStack, stored: StoredFile) -> AsyncIterator[bytes]:
    async with stack:
        async for chunk in stored.chunks:
            yield chunk
