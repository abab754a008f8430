"""OpenAI's words for failure. Source: platform.openai.com/docs, "Error codes".

`{"error": {"message", "type", "param", "code"}}`, as the body of an answer or as an event of a stream.
"""

from __future__ import annotations

from typing import Final

from shared.providers.base import Failed
from shared.providers.chat_completions import stated_error, stated_status
from shared.providers.errors import ErrorClass, ErrorFacts, ErrorRow, classify
from shared.providers.exchange import Reply

ROWS: Final[tuple[ErrorRow, ...]] = (
    # Under 429, but no wait ends it. The hard limit comes as a 400.
    ErrorRow(
        "insufficient_quota",
        ErrorClass.QUOTA,
        codes={"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"},
    ),
    ErrorRow(
        "moderation_blocked",
        ErrorClass.POLICY_REFUSAL,
        codes={"moderation_blocked", "content_policy_violation"},
    ),
    # Reasoning models say this of prompts that their filter flags.
    ErrorRow("flagged_prompt", ErrorClass.POLICY_REFUSAL, codes={"invalid_prompt"}),
    # Also under 403, if the project may not use the model.
    ErrorRow("model_not_found", ErrorClass.MODEL_GONE, codes={"model_not_found"}),
    ErrorRow("context_length_exceeded", ErrorClass.CALLER_FAULT, codes={"context_length_exceeded"}),
    ErrorRow("too_many_requests", ErrorClass.RATE_LIMIT, statuses={429}),
    ErrorRow("unauthorized", ErrorClass.CREDENTIAL, statuses={401}),
    ErrorRow("payment_required", ErrorClass.QUOTA, statuses={402}),
    ErrorRow("forbidden", ErrorClass.CREDENTIAL, statuses={403}),
    ErrorRow("not_found", ErrorClass.MODEL_GONE, statuses={404}),
    ErrorRow("bad_request", ErrorClass.CALLER_FAULT, statuses={400, 413, 422}),
    ErrorRow("timeout_or_conflict", ErrorClass.TRANSIENT, statuses={408, 409}),
    # These calls answer with their result: nothing runs on after a failure.
    ErrorRow("server_error", ErrorClass.TRANSIENT, statuses=range(500, 600)),
    # In a stream the status is 200 whatever happens; the words are all there is.
    ErrorRow("streamed_rate_limit", ErrorClass.RATE_LIMIT, statuses={200}, codes={"rate_limit_exceeded"}),
    ErrorRow(
        "streamed_bad_request", ErrorClass.CALLER_FAULT, statuses={200}, codes={"invalid_request_error"}
    ),
    ErrorRow("streamed_error", ErrorClass.TRANSIENT, statuses={200}),
)


def read_facts(reply: Reply) -> ErrorFacts:
    """The codes are `error.code` and `error.type`."""
    error = stated_error(reply.object())
    if error is None:
        return ErrorFacts(reply.status, (), reply.text())
    words = (error.get("code"), error.get("type"))
    return ErrorFacts(
        stated_status(reply, error),
        tuple(word for word in words if isinstance(word, str)),
        str(error.get("message") or ""),
    )


def failure(reply: Reply) -> Failed:
    """An answer that tells of a failure, by the table."""
    facts = read_facts(reply)
    row = classify(ROWS, facts)
    return reply.failed(row.error_class if row else ErrorClass.UNKNOWN, facts.text)
