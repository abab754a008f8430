"""What can go wrong with requests of every dialect, and when."""

from __future__ import annotations

from services.api.errors import (
    AccountSuspended,
    BodyTooLarge,
    IdempotencyKeyInUse,
    IdempotencyKeyMismatch,
    MalformedRequest,
    RateLimited,
    ScopeNotAllowed,
    Unauthorized,
    UnsupportedMediaType,
)
from services.api.reference.model import Operation, Problem
from services.api.rendering import InternalError
from shared.mongo import DatabaseUnavailable

_ALWAYS = (
    Problem(InternalError(), "our mistake; it is in the operator's log under the request's id"),
    Problem(DatabaseUnavailable(), "the database cannot be reached; nothing is known to have happened"),
)
_WITH_KEY = (
    Problem(Unauthorized(), "no key, no `Bearer`, or a malformed, unknown, expired or revoked key"),
    Problem(AccountSuspended(), "the key's account is suspended"),
)
_WITH_BODY = (
    Problem(MalformedRequest("The body must be a JSON object"), "the body is no JSON object"),
    Problem(BodyTooLarge(), "the body is larger than 1 MiB"),
    Problem(UnsupportedMediaType(), "the content type is not `application/json`"),
)

_IDEMPOTENT = (
    Problem(
        MalformedRequest("Idempotency-Key must be 1 to 255 characters of A-Z a-z 0-9 _ : -"),
        "the `Idempotency-Key` is malformed",
    ),
    Problem(IdempotencyKeyMismatch(), "the `Idempotency-Key` was used with another request"),
    Problem(IdempotencyKeyInUse(), "the request with this `Idempotency-Key` is still being carried out"),
)


def problems_of(operation: Operation) -> tuple[Problem, ...]:
    """The operation's own errors and those that it shares with others."""
    found = [*operation.problems]
    if operation.body is not None:
        found += _WITH_BODY
    if operation.idempotent:
        found += _IDEMPOTENT
    if operation.scope is not None:
        found += _WITH_KEY
    if operation.scope:
        message = f"This key does not have the scope {operation.scope}"
        found.append(Problem(ScopeNotAllowed(message), "the key is limited to other scopes"))
    if operation.scope is not None and operation.limited:
        found.append(Problem(RateLimited(retry_after_seconds=2), "more requests than the key may make"))
    return (*found, *_ALWAYS)
