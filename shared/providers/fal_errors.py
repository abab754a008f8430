"""fal's words for failure. Sources: fal.ai/docs, "Model errors" and "Request errors"."""

from __future__ import annotations

import re
from typing import Any, Final

from shared.providers.base import Failed
from shared.providers.errors import ErrorClass, ErrorFacts, ErrorRow, classify
from shared.providers.exchange import Reply
from shared.providers.refusals import REFUSAL

_INPUT_ERRORS: Final = (
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
)
_MODEL_TROUBLE: Final = (
    "request_timeout",
    "startup_timeout",
    "generation_timeout",
    "internal_server_error",
    "downstream_service_error",
    "downstream_service_unavailable",
)
_RUNNER_TROUBLE: Final = (
    "runner_scheduling_failure",
    "runner_connection_timeout",
    "runner_connection_refused",
    "runner_connection_error",
    "runner_disconnected",
    "runner_incomplete_response",
    "runner_server_error",
    "client_disconnected",
    "internal_error",
)
_LOCKED: Final = re.compile(r"user is locked|exhausted balance|top[ _]up|admin lock", re.IGNORECASE)

STATED: Final = (
    ErrorRow("own_deadline", ErrorClass.DEADLINE, statuses=(504,), codes=("own_deadline",)),
    ErrorRow("content_policy_violation", ErrorClass.POLICY_REFUSAL, codes=("content_policy_violation",)),
    ErrorRow("no_media_generated", ErrorClass.NO_OUTPUT, codes=("no_media_generated",)),
    ErrorRow("unusable_input", ErrorClass.CALLER_FAULT, codes=_INPUT_ERRORS),
    ErrorRow("bad_request", ErrorClass.CALLER_FAULT, codes=("bad_request",)),
    ErrorRow("model_trouble", ErrorClass.TRANSIENT, codes=_MODEL_TROUBLE),
    ErrorRow("runner_trouble", ErrorClass.TRANSIENT, codes=_RUNNER_TROUBLE),
    ErrorRow("client_cancelled", ErrorClass.CANCELLED, codes=("client_cancelled",)),
    ErrorRow("other_retryable", ErrorClass.TRANSIENT, codes=("retryable",)),
    ErrorRow("other_not_retryable", ErrorClass.CALLER_FAULT, codes=("not_retryable",)),
    ErrorRow("other_model_error", ErrorClass.UNKNOWN, codes=("model_error",)),
    ErrorRow("failed_refusal", ErrorClass.POLICY_REFUSAL, codes=("failed",), text=REFUSAL),
    ErrorRow("failed", ErrorClass.TRANSIENT, codes=("failed",)),
)
"""What fal states in a structured form: its own word that the job is over, or that there is none."""

BY_STATUS: Final = (
    ErrorRow("locked", ErrorClass.QUOTA, statuses=(403,), text=_LOCKED),
    ErrorRow("ingress", ErrorClass.TRANSIENT, codes=("ingress",)),
    ErrorRow("server_error", ErrorClass.SUBMIT_AMBIGUOUS, statuses=range(500, 600)),
    ErrorRow("rejected", ErrorClass.CALLER_FAULT, statuses=(400, 413, 422)),
    ErrorRow("unauthorized", ErrorClass.CREDENTIAL, statuses=(401, 403)),
    ErrorRow("no_credit", ErrorClass.QUOTA, statuses=(402,)),
    ErrorRow("no_such_application", ErrorClass.MODEL_GONE, statuses=(404,)),
    ErrorRow("try_again", ErrorClass.TRANSIENT, statuses=(408, 409)),
    ErrorRow("rate_limited", ErrorClass.RATE_LIMIT, statuses=(429,)),
)
"""What the HTTP status of a submission means where the body states nothing.

A gateway page without the header that every answer of the queue carries never reached the queue (fal's client
repeats those too); any other 5xx leaves open whether a job exists.
"""

ROWS: Final[tuple[ErrorRow, ...]] = (*STATED, *BY_STATUS)

_OWN_DEADLINE_HEADER: Final = "X-Fal-Request-Timeout-Type"
_INGRESS_STATUSES: Final = frozenset({502, 503, 504})
_RETRYABLE: Final = {"true": ("retryable",), "false": ("not_retryable",)}


def read_facts(reply: Reply) -> ErrorFacts:
    """The type of the error as code, with `retryable` or `not_retryable` from X-Fal-Retryable.

    Of several `detail` items a refusal counts, else the first. `failed` marks a COMPLETED with an error.
    """
    body = reply.object()
    if body.get("status") == "COMPLETED" and (body.get("error") or body.get("error_type")):
        return completed_facts(text_of(body.get("error")), text_of(body.get("error_type")))
    detail = body.get("detail")
    if isinstance(detail, list):
        codes, text = _read_details(reply, [item for item in detail if isinstance(item, dict)])
    else:
        error_type = text_of(body.get("error_type")) or reply.headers.get("X-Fal-Error-Type") or ""
        codes, text = (error_type,), message_of(body) or error_type
    if reply.headers.get(_OWN_DEADLINE_HEADER):
        codes = ("own_deadline", *codes)
    if _from_ingress(reply):
        codes = ("ingress", *codes)
    return ErrorFacts(reply.status, codes, text or reply.text())


def completed_facts(error: str | None, error_type: str | None) -> ErrorFacts:
    """What a COMPLETED with `error` or `error_type` says; it comes with status 200."""
    return ErrorFacts(200, ("failed", error_type or ""), error or error_type or "")


def verdict(reply: Reply) -> Failed | None:
    """The failure that this answer states in a structured form, or None if it states none."""
    facts = read_facts(reply)
    row = classify(STATED, facts)
    return reply.failed(row.error_class, facts.text) if row else None


def submit_failure(reply: Reply) -> Failed:
    """What an answer other than 2xx to a submission means."""
    facts = read_facts(reply)
    row = classify(ROWS, facts)
    return reply.failed(row.error_class if row else ErrorClass.UNKNOWN, facts.text)


def message_of(body: dict[str, Any]) -> str:
    """`detail` or `error` where it is text, else nothing."""
    return next((text for text in (body.get("detail"), body.get("error")) if isinstance(text, str)), "")


def text_of(value: object) -> str | None:
    """`value` as text; None for nothing."""
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else str(value)


def _read_details(reply: Reply, details: list[dict[str, Any]]) -> tuple[tuple[str, ...], str]:
    if not details:
        return (), ""
    refusal = next((item for item in details if item.get("type") == "content_policy_violation"), None)
    chosen = refusal or details[0]
    kind = str(chosen.get("type"))
    hint = _RETRYABLE.get(reply.headers.get("X-Fal-Retryable", "").lower(), ())
    return (kind, *hint, "model_error"), str(chosen.get("msg") or chosen.get("type") or "")


def _from_ingress(reply: Reply) -> bool:
    return (
        reply.status in _INGRESS_STATUSES
        and "x-fal-request-id" not in reply.headers
        and "nginx" in reply.text()
    )
