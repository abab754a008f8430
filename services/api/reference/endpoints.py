"""`/docs`, `/openapi/{dialect}.json`, `/llms.txt`, `/llms-full.txt`: made once, when the api starts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata, resources

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.api.reference.llms import llms, llms_full
from services.api.reference.model import Dialect
from services.api.reference.openapi import openapi
from services.api.reference.page import page

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "Cache-Control": "public, max-age=300",
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_FILES = {"/docs/page.css": ("page.css", "text/css"), "/docs/page.js": ("page.js", "text/javascript")}


@dataclass(frozen=True, slots=True)
class _Text:
    body: bytes
    media_type: str
    etag: str

    @classmethod
    def of(cls, text: str | bytes, media_type: str) -> _Text:
        body = text.encode() if isinstance(text, str) else text
        return cls(body, media_type, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def reference_endpoints(dialects: Sequence[Dialect], server_url: str) -> APIRouter:
    """All that tells of the api; no key is needed. `server_url` is where clients reach it."""
    texts = _texts(dialects, server_url)
    router = APIRouter(include_in_schema=False)

    async def read(request: Request) -> Response:
        text = texts[request.url.path]
        headers = {**_HEADERS, "ETag": text.etag}
        if request.headers.get("if-none-match") == text.etag:
            return Response(status_code=304, headers=headers)
        return Response(text.body, media_type=text.media_type, headers=headers)

    for path in texts:
        router.add_api_route(path, read, methods=["GET"])
    return router


def _texts(dialects: Sequence[Dialect], server_url: str) -> dict[str, _Text]:
    server_url, version = server_url.rstrip("/"), metadata.version("hatchery")
    texts = {
        f"/openapi/{one.name}.json": _Text.of(
            orjson.dumps(openapi(one, server_url, version)), "application/json"
        )
        for one in dialects
    }
    texts["/docs"] = _Text.of(page(dialects, server_url), "text/html")
    texts["/llms.txt"] = _Text.of(llms(dialects, server_url), "text/plain")
    texts["/llms-full.txt"] = _Text.of(llms_full(dialects, server_url), "text/plain")
    folder = resources.files(__package__)
    for path, (name, media_type) in _FILES.items():
        texts[path] = _Text.of(folder.joinpath(name).read_bytes(), media_type)
    return texts
