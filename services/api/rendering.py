"""The one place where an error becomes a body: the path decides whose shape it has."""

from __future__ import annotations

from fastapi.responses import Response

from services.api.dialects.eggapi import errors as eggapi
from shared.errors import HatcheryError


class InternalError(HatcheryError):
    """Something went wrong on our side. Give support the X-Request-Id of this response."""


def error_response(path: str, error: Exception) -> Response:
    """The answer to an error, in the shape of the dialect that owns the path.

    What is not a HatcheryError, or is one of our own mistakes, says nothing of what happened inside.
    """
    known = error if isinstance(error, HatcheryError) and error.status != 500 else InternalError()
    render = dialect_of(path)
    response = render(known)
    if known.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(known.retry_after_seconds)
    if known.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def dialect_of(path: str) -> eggapi.Render:
    """Whose error shape a path has. EggAPI is the only dialect so far and owns every path."""
    return eggapi.render_error
