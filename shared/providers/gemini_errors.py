"""Gemini's words for failure. Source: ai.google.dev, "Troubleshooting" and "GenerateContentResponse"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from shared.providers.base import Failed
from shared.providers.delays import LONGEST, retry_after
from shared.providers.errors import ErrorClass, ErrorFacts, ErrorRow, classify
from shared.providers.exchange import Reply
from shared.providers.messages import sanitise

REFUSALS: Final = frozenset(
    {
        "SAFETY",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "RECITATION",
        "IMAGE_RECITATION",
    }
)
"""Values of `finishReason` by which the model says no."""

_TOOL_CALLS: Final = frozenset({"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"})
_BLOCKED: Final = "blockReason"
_DAILY: Final = "PerDay"
_UNREADABLE: Final = "unreadable"

ROWS: Final[tuple[ErrorRow, ...]] = (
    ErrorRow("api_key_invalid", ErrorClass.CREDENTIAL, codes={"API_KEY_INVALID"}),
    ErrorRow(
        "api_key_text",
        ErrorClass.CREDENTIAL,
        statuses={400},
        text=re.compile(r"api key (?:not valid|not found|expired)", re.IGNORECASE),
    ),
    ErrorRow("region_or_billing", ErrorClass.CREDENTIAL, statuses={400}, codes={"FAILED_PRECONDITION"}),
    ErrorRow("invalid_argument", ErrorClass.CALLER_FAULT, statuses={400, 413, 422}),
    ErrorRow("unauthenticated", ErrorClass.CREDENTIAL, statuses={401}),
    ErrorRow("permission_denied", ErrorClass.CREDENTIAL, statuses={403}),
    ErrorRow("model_not_found", ErrorClass.MODEL_GONE, statuses={404}),
    ErrorRow("daily_quota", ErrorClass.QUOTA, statuses={429}, codes={_DAILY}),
    ErrorRow(
        "credit_used_up",
        ErrorClass.QUOTA,
        statuses={429},
        text=re.compile(r"credits are depleted|spending cap", re.IGNORECASE),
    ),
    ErrorRow("rate_limited", ErrorClass.RATE_LIMIT, statuses={429}),
    ErrorRow("call_given_up", ErrorClass.TRANSIENT, statuses={408, 409, 499}),
    ErrorRow("server_fault", ErrorClass.TRANSIENT, statuses=range(500, 600)),
    ErrorRow("prompt_blocked", ErrorClass.POLICY_REFUSAL, statuses={200}, codes={_BLOCKED}),
    ErrorRow("answer_refused", ErrorClass.POLICY_REFUSAL, statuses={200}, codes=REFUSALS),
    ErrorRow("tool_call_failed", ErrorClass.TRANSIENT, statuses={200}, codes=_TOOL_CALLS),
    ErrorRow("no_image", ErrorClass.NO_OUTPUT, statuses={200}, codes={"NO_IMAGE", "IMAGE_OTHER", "OTHER"}),
    ErrorRow("finished_without_output", ErrorClass.NO_OUTPUT, statuses={200}, codes={"STOP", "MAX_TOKENS"}),
    ErrorRow("unreadable_answer", ErrorClass.TRANSIENT, statuses={200}, codes={_UNREADABLE}),
    ErrorRow("empty_answer", ErrorClass.NO_OUTPUT, statuses={200}),
)
"""Nothing runs on after an error answer, so a 5xx is no ambiguous submission.

An answer 200 without the wanted output is a failure too; its codes are the values of `finishReason`, or
`blockReason` and its value: any reason for which a prompt is blocked is a refusal.
"""


def read_facts(reply: Reply) -> ErrorFacts:
    """What an answer says of its failure: an error, alone or in a list, or a 200 without the wanted output.

    Codes are the status word, each `details[].reason` and each quota id, with `PerDay` beside a daily one.
    """
    body = answer_of(reply)
    error = body.get("error")
    if isinstance(error, dict):
        return ErrorFacts(_status(reply, error), tuple(_error_codes(error)), _text(error.get("message")))
    if reply.status != 200:
        return ErrorFacts(reply.status, (), reply.text())
    if not body:
        return ErrorFacts(200, (_UNREADABLE,) if unreadable(reply) else ())
    feedback = body.get("promptFeedback")
    if isinstance(feedback, dict) and feedback.get("blockReason"):
        codes = (_BLOCKED, _text(feedback["blockReason"]))
        return ErrorFacts(200, codes, _text(feedback.get("blockReasonMessage")))
    candidates = dicts(body.get("candidates"))
    reasons = tuple(_text(candidate.get("finishReason")) for candidate in candidates)
    # The message of a failed tool call repeats what the model wrote, and that belongs to the customer.
    told = () if _TOOL_CALLS.intersection(reasons) else candidates
    texts = (_text(candidate.get("finishMessage")) for candidate in told)
    return ErrorFacts(200, reasons, next((text for text in texts if text), ""))


def failure(reply: Reply) -> Failed:
    """An answer without the wanted output. A delay in the body goes before the one of the headers."""
    facts = read_facts(reply)
    row = classify(ROWS, facts)
    error_class = row.error_class if row else ErrorClass.UNKNOWN
    delay = None
    if error_class is ErrorClass.RATE_LIMIT:
        delay = _retry_delay(answer_of(reply)) or retry_after(reply.headers, facts.text, datetime.now(UTC))
    return Failed(error_class, sanitise(facts.text, _default_text(facts)), delay)


def answer_of(reply: Reply) -> dict[str, Any]:
    """The answer as an object; the first one, where it is wrapped in a list; empty if it is neither."""
    value = reply.json()
    if isinstance(value, list):
        value = next(iter(dicts(value)), None)
    return value if isinstance(value, dict) else {}


def unreadable(reply: Reply) -> bool:
    """Whether the body is no answer at all, not even an empty one."""
    return not answer_of(reply) and reply.json() not in ({}, [])


def dicts(value: object) -> list[dict[str, Any]]:
    """The objects in a JSON list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _status(reply: Reply, error: dict[str, Any]) -> int:
    """The one of the answer, or that in the error of a stream that had begun well."""
    if not reply.accepted:
        return reply.status
    code = error.get("code")
    return code if isinstance(code, int) else 500


def _error_codes(error: dict[str, Any]) -> Iterator[str]:
    yield _text(error.get("status"))
    for detail in dicts(error.get("details")):
        yield _text(detail.get("reason"))
        for violation in dicts(detail.get("violations")):
            quota = _text(violation.get("quotaId"))
            yield quota
            if _DAILY in quota:
                yield _DAILY


_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s", re.ASCII)


def _retry_delay(body: dict[str, Any]) -> timedelta | None:
    """`google.rpc.RetryInfo`: a duration in protobuf's JSON form, such as `38s` or `0.5s`."""
    error = body.get("error")
    for detail in dicts(error.get("details") if isinstance(error, dict) else None):
        match = _DURATION.fullmatch(_text(detail.get("retryDelay")))
        if match:
            return min(timedelta(seconds=float(match[1])), LONGEST)
    return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _default_text(facts: ErrorFacts) -> str:
    if facts.status != 200:
        return f"The provider answered {facts.status}."
    words = [code for code in facts.codes if code and code != _UNREADABLE]
    if not words:
        return "The provider's answer is empty or unreadable."
    return f"The model finished without the wanted output ({words[-1]})."
