"""What can be wrong with a request, before any dialect words it."""

from __future__ import annotations

from shared.errors import HatcheryError


class Unauthorized(HatcheryError):
    """Invalid or missing API key"""

    code, status = "unauthorized", 401


class AccountSuspended(HatcheryError):
    """This account is suspended"""

    code, status = "account_suspended", 403


class NotFound(HatcheryError):
    """There is nothing at this address"""

    code, status = "not_found", 404


class TaskNotFound(NotFound):
    """Task not found"""

    code = "task_not_found"


class MethodNotAllowed(HatcheryError):
    """This address does not take this method"""

    code, status = "method_not_allowed", 405


class MalformedRequest(HatcheryError):
    """The request cannot be read"""

    code, status = "malformed_request", 400


class TaskEnded(HatcheryError):
    """The task has already ended"""

    code, status = "task_ended", 409


class BodyTooLarge(HatcheryError):
    """The request body is too large"""

    code, status = "body_too_large", 413


class UnsupportedMediaType(HatcheryError):
    """Send the body as application/json"""

    code, status = "unsupported_media_type", 415


class InvalidField(HatcheryError):
    """A field of the body is not as it must be"""

    code, status = "invalid_field", 422


class ServiceUnavailable(HatcheryError):
    """The service is temporarily unavailable. Try again shortly."""

    code, status, retry_after_seconds = "service_unavailable", 503, 2


class ScopeNotAllowed(HatcheryError):
    """This key does not have the scope that this takes"""

    code, status = "scope_not_allowed", 403


class RateLimited(HatcheryError):
    """Too many requests; wait a moment"""

    code, status = "rate_limited", 429

    def __init__(self, message: str | None = None, *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class IdempotencyKeyMismatch(HatcheryError):
    """This Idempotency-Key was used with another request"""

    code, status = "idempotency_key_mismatch", 409


class IdempotencyKeyInUse(HatcheryError):
    """A request with this Idempotency-Key is still being carried out"""

    code, status, retry_after_seconds = "idempotency_key_in_use", 409, 1


class UpstreamFailed(HatcheryError):
    """No provider could answer this request"""

    code, status = "upstream_failed", 502
