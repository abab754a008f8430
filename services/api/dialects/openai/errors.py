"""Errors of the OpenAI-style platform: `{"error": {"message", "type", "code"}}`, type and code alike.

The codes are those of the platform's overview ("Error Format"); which status goes with which is our choice.
"""

from __future__ import annotations

from typing import Any, Final

import orjson
from fastapi.responses import Response

from shared.errors import HatcheryError
from shared.providers.errors import ErrorClass
from shared.tasks.model import TaskFailure

INVALID_REQUEST: Final = "invalid_request_error"
"""OpenAI's own word, for what has no code of its own."""

_CODES: Final[dict[str, tuple[int, str]]] = {
    "unauthorized": (401, "invalid_api_key"),
    "account_suspended": (403, "api_disabled"),
    "rate_limited": (429, "rate_limit_exceeded"),
    "insufficient_balance": (402, "insufficient_credits"),
    "upstream_failed": (502, "provider_error"),
}
_OWN_CODES: Final = frozenset(
    {
        "model_required",
        "messages_required",
        "prompt_required",
        "model_not_available",
        "scope_not_allowed",
        "content_policy_violation",
        "provider_not_configured",
        "idempotency_key_mismatch",
        "idempotency_key_in_use",
        "idempotency_answer_not_kept",
    }
)
_CODES_BY_STATUS: Final[dict[int, str]] = {
    404: "not_found",
    405: "method_not_allowed",
    500: "internal_error",
    502: "provider_error",
    503: "service_unavailable",
}
_POINTLESS: Final = frozenset({400, 401, 402, 403, 404, 405, 409, 413, 415, 422})
"""The same request again would be answered the same."""


class ModelRequired(HatcheryError):
    """model is required"""

    code, status = "model_required", 400


class MessagesRequired(HatcheryError):
    """messages is required: a list with at least one message"""

    code, status = "messages_required", 400


class PromptRequired(HatcheryError):
    """prompt is required"""

    code, status = "prompt_required", 400


class ModelNotAvailable(HatcheryError):
    """Model is not available"""

    code, status = "model_not_available", 404


class ContentPolicyViolation(HatcheryError):
    """The request was refused by content policy"""

    code, status = "content_policy_violation", 400


class ProviderNotConfigured(HatcheryError):
    """This model is not available at the moment"""

    code, status, retry_after_seconds = "provider_not_configured", 503, 60


class ProviderError(HatcheryError):
    """No provider could answer this request"""

    code, status = "upstream_failed", 502


class RefusedRequest(HatcheryError):
    """The provider found the request invalid"""

    code, status = INVALID_REQUEST, 400


_BY_CLASS: Final[dict[ErrorClass, type[HatcheryError]]] = {
    ErrorClass.POLICY_REFUSAL: ContentPolicyViolation,
    ErrorClass.CALLER_FAULT: RefusedRequest,
    ErrorClass.PROVIDER_NOT_CONFIGURED: ProviderNotConfigured,
}


def error_of(failure: TaskFailure) -> HatcheryError:
    """What a failed task is, told as the error of a request."""
    return _BY_CLASS.get(failure.error_class, ProviderError)(failure.message)


def failure_object(failure: TaskFailure) -> dict[str, str]:
    """The same inside the body of a task; a cancelled one says so."""
    if failure.error_class is ErrorClass.CANCELLED:
        return _object("task_cancelled", failure.message)
    error = error_of(failure)
    return _object(_status_and_code(error)[1], error.message)


def error_body(error: HatcheryError) -> dict[str, Any]:
    """`{"error": {"message", "type", "code"}}`."""
    return {"error": _object(_status_and_code(error)[1], error.message)}


def render_error(error: HatcheryError, _request_id: str) -> Response:
    """The platform's answer to an error. `x-should-retry: false` keeps OpenAI's clients from trying again."""
    status, code = _status_and_code(error)
    response = Response(orjson.dumps(error_body(error)), status_code=status, media_type="application/json")
    pointless = status in _POINTLESS and error.retry_after_seconds is None
    if pointless or code == "provider_not_configured":
        response.headers["x-should-retry"] = "false"
    return response


def _object(code: str, message: str) -> dict[str, str]:
    return {"message": message, "type": code, "code": code}


def _status_and_code(error: HatcheryError) -> tuple[int, str]:
    if error.code in _OWN_CODES:
        return error.status, error.code
    if error.code in _CODES:
        return _CODES[error.code]
    if error.status == 422:
        return 400, INVALID_REQUEST
    return error.status, _CODES_BY_STATUS.get(error.status, INVALID_REQUEST)
