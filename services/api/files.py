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
_NAME = re.compile(r"[0-9]{1,2}\.(png|jpg|jpeg|webp|gif)")
_INLINE_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})


def file_endpoints(files: Files) -> APIRouter:
    """`GET /images/{task_id}/{name}`: no key needed, the task's id cannot be guessed."""
    router = APIRouter()

    @router.api_route("/images/{task_id}/{name}", methods=["GET", "HEAD"])
    async def read_image(request: Request, task_id: str, name: str) -> Response:
        if not _TASK_ID.fullmatch(task_id) or not _NAME.fullmatch(name):
            raise NotFound
        stack = AsyncExitStack()
        stored = await stack.enter_async_context(files.read(f"images/{task_id}/{name}"))
        headers = _headers(stored)
        if request.method == "HEAD" or request.headers.get("if-none-match") == stored.etag:
            await stack.aclose()
            return Response(status_code=200 if request.method == "HEAD" else 304, headers=headers)
        return StreamingResponse(_chunks(stack, stored), headers=headers)

    return router


def _headers(stored: StoredFile) -> dict[str, str]:
    inline = stored.content_type in _INLINE_TYPES
    return {
        "Content-Type": stored.content_type if inline else "application/octet-stream",
        "Content-Length": str(stored.size),
        "Content-Disposition": "inline" if inline else "attachment",
        "ETag": stored.etag,
        "Cache-Control": "public, max-age=31536000, immutable",
        "X-Content-Type-Options": "nosniff",
    }


async def _chunks(stack: AsyncExitStack, stored: StoredFile) -> AsyncIterator[bytes]:
    async with stack:
        async for chunk in stored.chunks:
            yield chunk
