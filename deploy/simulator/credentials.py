"""Which key a caller shows. Any will do; rules tell them apart."""

from __future__ import annotations

from aiohttp import web


def key_of(request: web.Request) -> str:
    """The key of `Authorization` without its scheme, of `x-goog-api-key` or of `?key=`; else nothing."""
    _, _, key = request.headers.get("Authorization", "").partition(" ")
    return key.strip() or request.headers.get("x-goog-api-key") or request.query.get("key") or ""
