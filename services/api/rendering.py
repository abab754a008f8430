"""The one place where an error becomes a body: the path decides whose shape it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from services.api.dialects.aigenway import errors as aigenway
from services.api.dialects.eggapi import errors as eggapi
from services.api.dialects.openai import errors as openai
from services.api.dialects.paths import AIGENWAY, EGGAPI, OPENAI, dialect_of
from services.api.errors import MalformedRequest, MethodNotAllowed, NotFound
from shared.errors import HatcheryError
from shared.mongo import DatabaseUnavailable, is_unavailable

log = structlog.get_logger()

Render = Callable[[HatcheryError, str], Response]
"""An error, and the id of the request, as the answer of one dialect."""

RENDERERS: Mapping[str, Render] = MappingProxyType(
    {EGGAPI: eggapi.render_error, OPENAI: openai.render_error, AIGENWAY: aigenway.render_error}
)


class InternalError(HatcheryError):
    """Something went wrong on our side. Give support the X-Request-Id of this response."""


def render_errors(app: FastAPI) -> None:
    """Our own errors, the framework's and those that nobody foresaw, all in the dialect's shape."""

    @app.exception_handler(HatcheryError)
    async def render_own(request: Request, error: HatcheryError) -> Response:
        return error_response(request, _fit_to_tell(error))

    @app.exception_handler(HTTPException)
    async def render_frameworks(request: Request, error: HTTPException) -> Response:
        known: dict[int, type[HatcheryError]] = {404: NotFound, 405: MethodNotAllowed}
        response = error_response(request, known.get(error.status_code, MalformedRequest)())
        if error.headers and "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response

    @app.exception_handler(Exception)
    async def render_unforeseen(request: Request, error: Exception) -> Response:
        return error_response(request, _fit_to_tell(error))


def _fit_to_tell(error: Exception) -> HatcheryError:
    """What the client may know. Our own mistakes are logged and say nothing of what happened inside."""
    if is_unavailable(error):
        log.warning("database away", reason=type(error).__name__)
        return DatabaseUnavailable()
    if isinstance(error, HatcheryError) and error.status != 500:
        return error
    if isinstance(error, ClientDisconnect):
        return MalformedRequest("The request broke off")
    log.error("request broke", exc_info=error)
    return InternalError()


def error_response(request: Request, error: HatcheryError) -> Response:
    """The answer to an error, in the shape of the dialect that owns the path."""
    render = RENDERERS[dialect_of(request.url.path)]
    response = render(error, request.state.request_id)
    if error.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
