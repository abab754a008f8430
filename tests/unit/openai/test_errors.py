"""Which of our errors has which code and status, and whether a client should try again."""

from __future__ import annotations

import json

import pytest

from services.api import errors as ours
from services.api.dialects.openai import errors as theirs
from services.api.rendering import InternalError
from shared.errors import HatcheryError
from shared.files import StorageUnavailable
from shared.ledger.refusals import InsufficientBalance
from shared.mongo import DatabaseUnavailable


@pytest.mark.parametrize(
    ("error", "status", "code", "again"),
    [
        (ours.Unauthorized(), 401, "invalid_api_key", False),
        (ours.AccountSuspended(), 403, "api_disabled", False),
        (ours.ScopeNotAllowed(), 403, "scope_not_allowed", False),
        (ours.RateLimited(retry_after_seconds=3), 429, "rate_limit_exceeded", True),
        (InsufficientBalance(), 402, "insufficient_credits", False),
        (theirs.ModelRequired(), 400, "model_required", False),
        (theirs.MessagesRequired(), 400, "messages_required", False),
        (theirs.PromptRequired(), 400, "prompt_required", False),
        (theirs.ModelNotAvailable(), 404, "model_not_available", False),
        (theirs.ContentPolicyViolation(), 400, "content_policy_violation", False),
        (theirs.ProviderNotConfigured(), 503, "provider_not_configured", False),
        (theirs.ProviderError(), 502, "provider_error", True),
        (theirs.RefusedRequest(), 400, "invalid_request_error", False),
        (ours.UpstreamFailed(), 502, "provider_error", True),
        (ours.MalformedRequest(), 400, "invalid_request_error", False),
        (ours.InvalidField(), 400, "invalid_request_error", False),
        (ours.BodyTooLarge(), 413, "invalid_request_error", False),
        (ours.UnsupportedMediaType(), 415, "invalid_request_error", False),
        (ours.NotFound(), 404, "not_found", False),
        (ours.MethodNotAllowed(), 405, "method_not_allowed", False),
        (ours.TaskEnded(), 409, "invalid_request_error", False),
        (ours.IdempotencyKeyMismatch(), 409, "idempotency_key_mismatch", False),
        (ours.IdempotencyKeyInUse(), 409, "idempotency_key_in_use", True),
        (InternalError(), 500, "internal_error", True),
        (DatabaseUnavailable(), 503, "service_unavailable", True),
        (StorageUnavailable(), 503, "service_unavailable", True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, HatcheryError) else "",
)
def test_every_error_has_a_code_of_the_platform(
    error: HatcheryError, status: int, code: str, again: bool
) -> None:
    answer = theirs.render_error(error, "req_1")

    assert answer.status_code == status
    assert json.loads(answer.body) == {"error": {"message": error.message, "type": code, "code": code}}
    assert ("x-should-retry" not in answer.headers) == again
