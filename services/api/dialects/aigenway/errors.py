"""Aigenway's errors: `{"success": false, "error": {"code", "message", "details", "request_id"}}`.

The codes are those of the platform's page "Errors"; statuses that it does not tell are our choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from fastapi.responses import Response

from shared.aigenway import NANO_PER_UNIT, TASK_FAILED, failure_code, units_text
from shared.errors import HatcheryError
from shared.ledger.refusals import InsufficientBalance
from shared.tasks.model import TaskFailure

_NANO_PER_CENT: Final = 10_000_000
_CODES: Final[Mapping[str, str]] = {
    "unauthorized": "invalid_api_key",
    "account_suspended": "user_blocked",
    "scope_not_allowed": "method_not_available_for_user",
    "rate_limited": "rate_limit_exceeded",
    "invalid_field": "invalid_parameters",
    "service_unavailable": "method_unavailable",
    "upstream_failed": "provider_unavailable",
    "idempotency_answer_not_kept": "idempotency_key_mismatch",
}
"""Our words for what the platform has others for."""
_OWN_CODES: Final = frozenset(
    {
        "insufficient_balance",
        "price_not_configured",
        "unsupported_provider",
        "unsupported_model",
        "unsupported_method",
        "provider_unavailable",
        "model_unavailable",
        "method_unavailable",
        "task_not_found",
        "task_expired",
        "task_failed",
        "task_timed_out",
        "invalid_request",
        "invalid_parameters",
        "idempotency_key_in_use",
        "idempotency_key_mismatch",
        "coupon_invalid",
        "coupon_expired",
        "coupon_already_used",
        "internal_error",
        "webhook_not_found",
        "webhook_disabled",
        "too_many_webhooks",
        "too_many_secrets",
        "delivery_not_found",
        "too_many_attempts",
    }
)


class AigenwayError(HatcheryError):
    """The request cannot be carried out"""

    def __init__(self, message: str | None = None, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.details = dict(details or {})


class InvalidRequest(AigenwayError):
    """The body is not as it must be"""

    code, status = "invalid_request", 400


class InvalidParameters(AigenwayError):
    """The params are not as they must be"""

    code, status = "invalid_parameters", 422


class UnsupportedProvider(AigenwayError):
    """This provider is not offered"""

    code, status = "unsupported_provider", 400


class UnsupportedModel(AigenwayError):
    """This provider has no such model"""

    code, status = "unsupported_model", 400


class UnsupportedMethod(AigenwayError):
    """This model has no such method"""

    code, status = "unsupported_method", 400


class PriceNotConfigured(AigenwayError):
    """Pricing is not configured for this bundle"""

    code, status = "price_not_configured", 422


class TaskExpired(AigenwayError):
    """The results of this task are no longer kept"""

    code, status = "task_expired", 410


class NotEnough(InsufficientBalance):
    """The balance does not cover this request."""

    def __init__(self, required_nano: int, available_nano: int) -> None:
        super().__init__()
        self.details = {
            "requiredAmount": units_text(required_nano),
            "availableAmount": str(available_nano // NANO_PER_UNIT),
            "requiredCents": -(-required_nano // _NANO_PER_CENT),
            "availableCents": available_nano // _NANO_PER_CENT,
        }


class CallFailed(AigenwayError):
    """The task failed"""

    def __init__(self, failure: TaskFailure, task_id: str) -> None:
        super().__init__(failure.message, {"task_id": task_id})
        self.code = failure_code(failure)
        self.status = _STATUS_OF_FAILURES[self.code]


_STATUS_OF_FAILURES: Final[Mapping[str, int]] = {
    TASK_FAILED: 502,
    "task_timed_out": 504,
    "invalid_parameters": 422,
    "model_unavailable": 503,
    "provider_unavailable": 503,
}


def render_error(error: HatcheryError, request_id: str) -> Response:
    """The platform's answer to an error. What it has no word for is an invalid_request."""
    code = _CODES.get(error.code, error.code)
    told = {
        "code": code if code in _OWN_CODES or code in _CODES.values() else "invalid_request",
        "message": error.message,
        "details": getattr(error, "details", {}),
        "request_id": request_id,
    }
    body = {"success": False, "error": told}
    return Response(orjson.dumps(body), status_code=error.status, media_type="application/json")
