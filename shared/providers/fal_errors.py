"""fal's words for failure. Sources: fal.ai/docs, "Model errors" and "Request errors"."""

from __future__ import annotations

import re
from typing import Any, Final

from shared.providers.base import Failed
from shared.providers.errors import ErrorClass
from shared.providers.exchange import Reply

_CALLER, _TRANSIENT = ErrorClass.CALLER_FAULT, ErrorClass.TRANSIENT

MODEL_ERRORS: Final[dict[str, ErrorClass]] = {
    "content_policy_violation": ErrorClass.POLICY_REFUSAL,
    "no_media_generated": ErrorClass.NO_OUTPUT,
    **dict.fromkeys(
        (
            "image_too_small",
            "image_too_large",
            "image_load_error",
            "file_download_error",
            "file_too_large",
            "face_detection_error",
            "unsupported_image_format",
            "sequence_too_long",
            "sequence_too_short",
            "string_too_long",
            "string_too_short",
            "value_error",
            "missing",
            "one_of",
            "literal_error",
            "enum",
            "greater_than",
            "greater_than_equal",
            "less_than",
            "less_than_equal",
            "multiple_of",
            "feature_not_supported",
        ),
        _CALLER,
    ),
    "request_timeout": _TRANSIENT,
    "startup_timeout": _TRANSIENT,
    "generation_timeout": _TRANSIENT,
    "internal_server_error": _TRANSIENT,
    "downstream_service_error": _TRANSIENT,
    "downstream_service_unavailable": _TRANSIENT,
}
"""By `detail[].type` of a 422 (and of 5xx answers in the same form)."""

REQUEST_ERRORS: Final[dict[str, ErrorClass]] = {
    "request_timeout": _TRANSIENT,
    "startup_timeout": _TRANSIENT,
    "runner_scheduling_failure": _TRANSIENT,
    "runner_connection_timeout": _TRANSIENT,
    "runner_connection_refused": _TRANSIENT,
    "runner_connection_error": _TRANSIENT,
    "runner_disconnected": _TRANSIENT,
    "runner_incomplete_response": _TRANSIENT,
    "runner_server_error": _TRANSIENT,
    "client_disconnected": _TRANSIENT,
    "client_cancelled": ErrorClass.CANCELLED,
    "bad_request": _CALLER,
    "internal_error": _TRANSIENT,
}
"""By `error_type` of the body or the `X-Fal-Error-Type` header."""

SUBMIT_STATUSES: Final[dict[int, ErrorClass]] = {
    400: _CALLER,
    401: ErrorClass.CREDENTIAL,
    402: ErrorClass.QUOTA,
    403: ErrorClass.CREDENTIAL,
    404: ErrorClass.MODEL_GONE,
    408: _TRANSIENT,
    409: _TRANSIENT,
    413: _CALLER,
    422: _CALLER,
    429: ErrorClass.RATE_LIMIT,
}
"""By HTTP status where the body names no type. A 5xx without one leaves open whether a job exists."""

_LOCKED: Final = re.compile(r"user is locked|exhausted balance|top[ _]up|admin lock", re.IGNORECASE)
_OWN_DEADLINE_HEADER: Final = "X-Fal-Request-Timeout-Type"
_INGRESS_STATUSES: Final = frozenset({502, 503, 504})


def verdict(reply: Reply) -> Failed | None:
    """The failure that this answer states in a structured form, or None if it states none."""
    body = reply.object()
    if reply.status == 504 and reply.headers.get(_OWN_DEADLINE_HEADER):
        return reply.failed(ErrorClass.DEADLINE, message_of(body))
    detail = body.get("detail")
    if isinstance(detail, list):
        return _from_details(reply, [item for item in detail if isinstance(item, dict)])
    error_type = body.get("error_type") or reply.headers.get("X-Fal-Error-Type")
    if isinstance(error_type, str) and (known := class_of(error_type)):
        return reply.failed(known, message_of(body) or error_type)
    return None


def submit_failure(reply: Reply) -> Failed:
    """What an answer other than 2xx to a submission means.

    A structured error is the provider's own word that nothing runs. A gateway page without the header that
    every answer of the queue carries never reached the queue (fal's client repeats those too). Any other 5xx
    is ambiguous.
    """
    if stated := verdict(reply):
        return stated
    text = message_of(reply.object()) or reply.text()
    if reply.status == 403 and _LOCKED.search(text):
        return reply.failed(ErrorClass.QUOTA, text)
    if reply.status >= 500:
        return reply.failed(_TRANSIENT if _from_ingress(reply) else ErrorClass.SUBMIT_AMBIGUOUS, text)
    return reply.failed(SUBMIT_STATUSES.get(reply.status, ErrorClass.UNKNOWN), text)


def class_of(error_type: str) -> ErrorClass | None:
    """The class of an error type from either table."""
    return REQUEST_ERRORS.get(error_type) or MODEL_ERRORS.get(error_type)


def message_of(body: dict[str, Any]) -> str:
    """`detail` or `error` where it is text, else nothing."""
    return next((text for text in (body.get("detail"), body.get("error")) if isinstance(text, str)), "")


def _from_details(reply: Reply, details: list[dict[str, Any]]) -> Failed | None:
    if not details:
        return None
    first = details[0]
    refusal = next((item for item in details if item.get("type") == "content_policy_violation"), None)
    chosen = refusal or first
    known = MODEL_ERRORS.get(str(chosen.get("type")))
    return reply.failed(known or _by_retryable(reply), str(chosen.get("msg") or chosen.get("type") or ""))


def _by_retryable(reply: Reply) -> ErrorClass:
    answers = {"true": _TRANSIENT, "false": _CALLER}
    return answers.get(reply.headers.get("X-Fal-Retryable", "").lower(), ErrorClass.UNKNOWN)


def _from_ingress(reply: Reply) -> bool:
    return (
        reply.status in _INGRESS_STATUSES
        and "x-fal-request-id" not in reply.headers
        and "nginx" in reply.text()
    )
