"""OpenRouter's words for failure. Source: openrouter.ai/docs, "Errors and Debugging".

`{"error": {"code": 403, "message", "metadata": {…}}}`, also inside an answer with status 200 and in chunks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from shared.providers.base import Failed
from shared.providers.chat_completions import stated_error, stated_status
from shared.providers.errors import ErrorClass, ErrorFacts, ErrorRow, classify
from shared.providers.exchange import Reply
from shared.providers.refusals import REFUSAL

MODERATION: Final = "moderation"
"""The code given to errors whose metadata holds `reasons` or `flagged_input`."""

_NO_SUCH_MODEL: Final = re.compile(r"no endpoints found|is not a valid model id", re.IGNORECASE)
_KEY_LIMIT: Final = re.compile(r"key limit exceeded", re.IGNORECASE)

ROWS: Final[tuple[ErrorRow, ...]] = (
    ErrorRow("moderation", ErrorClass.POLICY_REFUSAL, codes={MODERATION}),
    ErrorRow(
        "content_policy_violation",
        ErrorClass.POLICY_REFUSAL,
        codes={"moderation_blocked", "content_policy_violation", "content_filter"},
    ),
    # The refusal of a provider behind OpenRouter arrives as a bad request.
    ErrorRow("provider_refusal", ErrorClass.POLICY_REFUSAL, statuses={400}, text=REFUSAL),
    # The route's settings ask for what no endpoint of the model has, under 404 or 400.
    ErrorRow("no_endpoints", ErrorClass.MODEL_GONE, text=_NO_SUCH_MODEL),
    ErrorRow("context_length_exceeded", ErrorClass.CALLER_FAULT, codes={"context_length_exceeded"}),
    ErrorRow("no_credits", ErrorClass.QUOTA, statuses={402}),
    # The key's own spending limit; the key is good and the account may have credits.
    ErrorRow("key_limit", ErrorClass.QUOTA, statuses={403}, text=_KEY_LIMIT),
    ErrorRow("insufficient_quota", ErrorClass.QUOTA, codes={"insufficient_quota"}),
    ErrorRow("too_many_requests", ErrorClass.RATE_LIMIT, statuses={429}),
    ErrorRow("unauthorized", ErrorClass.CREDENTIAL, statuses={401}),
    ErrorRow("forbidden", ErrorClass.CREDENTIAL, statuses={403}),
    ErrorRow("not_found", ErrorClass.MODEL_GONE, statuses={404}),
    ErrorRow("bad_request", ErrorClass.CALLER_FAULT, statuses={400, 413, 422}),
    ErrorRow("timeout_or_conflict", ErrorClass.TRANSIENT, statuses={408, 409}),
    # These calls answer with their result: nothing runs on after a failure.
    ErrorRow("server_error", ErrorClass.TRANSIENT, statuses=range(500, 600)),
    # In a stream the code may be a word; then it is all there is.
    ErrorRow("streamed_rate_limit", ErrorClass.RATE_LIMIT, statuses={200}, codes={"rate_limit_exceeded"}),
    ErrorRow(
        "streamed_bad_request", ErrorClass.CALLER_FAULT, statuses={200}, codes={"invalid_request_error"}
    ),
    ErrorRow("streamed_error", ErrorClass.TRANSIENT, statuses={200}),
)


def read_facts(reply: Reply) -> ErrorFacts:
    """The status is the body's `code` inside a 2xx; the codes are the words of `error` and its metadata.

    The text ends with what the provider behind OpenRouter said (`metadata.raw`).
    """
    error = stated_error(reply.object())
    if error is None:
        return ErrorFacts(reply.status, (), reply.text())
    metadata = error.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    text = ": ".join(part for part in (error.get("message"), _inner_text(metadata)) if isinstance(part, str))
    return ErrorFacts(stated_status(reply, error), tuple(_codes(error, metadata)), text)


def failure(reply: Reply) -> Failed:
    """An answer that tells of a failure, by the table."""
    facts = read_facts(reply)
    row = classify(ROWS, facts)
    return reply.failed(row.error_class if row else ErrorClass.UNKNOWN, facts.text)


def _codes(error: Mapping[str, Any], metadata: Mapping[str, Any]) -> Iterator[str]:
    if metadata.get("reasons") or metadata.get("flagged_input"):
        yield MODERATION
    for word in (
        error.get("code"),
        error.get("type"),
        metadata.get("error_type"),
        metadata.get("error_code"),
    ):
        if isinstance(word, str):
            yield word


def _inner_text(metadata: Mapping[str, Any]) -> str | None:
    """`metadata.raw` is the provider's body: JSON in a string, an object, or any text."""
    raw = metadata.get("raw")
    try:
        body = orjson.loads(raw) if isinstance(raw, str) else raw
    except orjson.JSONDecodeError:
        body = raw
    inner = body.get("error", body) if isinstance(body, dict) else body
    text = inner.get("message") if isinstance(inner, dict) else inner
    return text if isinstance(text, str) and text else None
