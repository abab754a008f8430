"""Generated files, streamed from the bucket where no public address of it is set."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from services.api.errors import NotFound
from services.api.file_streams import FileStreams
from shared.files import Files, StoredFile

_TASK_ID = re.compile(r"[a-z]{3,8}_[0-9a-z]{26}")
_IMAGE = re.compile(r"[0-9]{1,2}\.(png|jpg|jpeg|webp|gif)")
_VIDEO = re.compile(r"[0-9]{1,2}\.mp4")
_INLINE_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif", "video/mp4"})
_ONE_PART = re.compile(r"bytes=([0-9]{1,15}-[0-9]{0,15}|-[0-9]{1,15})")


def file_endpoints(files: Files, streams: FileStreams) -> APIRouter:
    """`GET /images/{task_id}/{name}`, `/videos/…`, `/inputs/…`: no key, the task's id cannot be guessed."""
    router = APIRouter()

    @router.api_route("/images/{task_id}/{name}", methods=["GET", "HEAD"])
    async def read_image(request: Request, task_id: str, name: str) -> Response:
        if not _TASK_ID.fullmatch(task_id) or not _IMAGE.fullmatch(name):
            raise NotFound
        return await stored_answer(files, streams, request, f"images/{task_id}/{name}")

    @router.api_route("/videos/{task_id}/{name}", methods=["GET", "HEAD"])
    async def read_video(request: Request, task_id: str, name: str) -> Response:
        if not _TASK_ID.fullmatch(task_id) or not _VIDEO.fullmatch(name):
            raise NotFound
        return await stored_answer(files, streams, request, f"videos/{task_id}/{name}")

    @router.api_route("/inputs/{task_id}/{name}", methods=["GET", "HEAD"])
    async def read_input(request: Request, task_id: str, name: str) -> Response:
        if not _TASK_ID.fullmatch(task_id) or not _IMAGE.fullmatch(name):
            raise NotFound
        return await stored_answer(files, streams, request, f"inputs/{task_id}/{name}")

    return router


async def stored_answer(files: Files, streams: FileStreams, request: Request, key: str) -> Response:
    """The file under a key of the bucket, or the part of it that the request asks for.

    Raises FileMissing, RangeUnsatisfiable, StorageUnavailable and ServiceUnavailable.
    """
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(streams.turn(request.scope))
        part = _part(request)
        stored = await stack.enter_async_context(files.read(key, part))
        if part is not None and request.headers.get("if-range", stored.etag) != stored.etag:
            stored = await stack.enter_async_context(files.read(key))
        headers = _headers(stored)
        if request.method == "HEAD":
            return Response(headers=headers)
        if request.headers.get("if-none-match") == stored.etag:
            return Response(status_code=304, headers=headers)
        status = 200 if stored.content_range is None else 206
        return _FileAnswer(stack.pop_all(), stored, status, headers)


class _FileAnswer(StreamingResponse):
    """Gives back the connection to the storage even when the client has gone before the first byte."""

    def __init__(
        self, stack: AsyncExitStack, stored: StoredFile, status: int, headers: dict[str, str]
    ) -> None:
        super().__init__(stored.chunks, status, headers=headers)
        self._stack = stack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._stack:
            await super().__call__(scope, receive, send)


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
