"""EggAPI's errors: `{"data": null, "error": {"code", "message"}}` and its own list of codes."""

from __future__ import annotations

import orjson
from fastapi.responses import Response

from shared.errors import HatcheryError

_CODES: dict[str, tuple[int, str]] = {
    "insufficient_balance": (403, "INSUFFICIENT_BALANCE"),
    "invalid_field": (400, "VALIDATION_ERROR"),
    "account_suspended": (403, "FORBIDDEN"),
}
"""Where EggAPI's status differs from the usual one for the kind of error."""

_CODES_BY_STATUS: dict[int, str] = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    409: "CONFLICT",
    429: "RATE_LIMITED",
    500: "INTERNAL_ERROR",
    502: "UPSTREAM_ERROR",
    503: "SERVICE_UNAVAILABLE",
}


def render_error(error: HatcheryError, _request_id: str) -> Response:
    """EggAPI's answer to an error. Statuses that it does not document have the code BAD_REQUEST."""
    status, code = _CODES.get(error.code, (error.status, _CODES_BY_STATUS.get(error.status, "BAD_REQUEST")))
    body = {"data": None, "error": {"code": code, "message": error.message}}
    return Response(orjson.dumps(body), status_code=status, media_type="application/json")
