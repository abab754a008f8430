"""Around every request: an id, a log context, limits, a metric, and what the caller has left."""

from __future__ import annotations

import re
import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.body import BodyLimits
from shared.ids import Prefix, new_id
from shared.telemetry import REQUESTS

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CLIENTS_ID = re.compile(r"[A-Za-z0-9_\-]{8,64}")


class RequestFrame:
    """Outermost layer of the app. Pure ASGI, so that streams pass through untouched."""

    def __init__(self, app: ASGIApp, limits: BodyLimits | None = None) -> None:
        self._app = app
        self._limits = limits or BodyLimits()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        state = scope.setdefault("state", {})
        state["request_id"], state["body_limits"] = request_id, self._limits
        structlog.contextvars.bind_contextvars(request_id=request_id)
        began, status, answered = time.perf_counter(), 0, False

        async def send_framed(message: Message) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-request-id", request_id.encode()))
                for name, value in state.get("rate_headers", {}).items():
                    message["headers"].append((name.encode(), value.encode()))
            answered = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        try:
            await self._app(scope, receive, send_framed)
        except Exception:
            # Starlette raises again what its handler has answered already; an answer that broke off half way
            # must end the connection instead.
            if not answered:
                raise
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            REQUESTS.labels(method, status).observe(time.perf_counter() - began)
            structlog.contextvars.clear_contextvars()


def _request_id(scope: Scope) -> str:
    """The client's own id where it is harmless, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            text = value.decode("latin-1")
            if _CLIENTS_ID.fullmatch(text):
                return str(text)
    return new_id(Prefix.REQUEST)
