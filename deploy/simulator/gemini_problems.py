"""How Gemini says no: `{"error": {"code", "message", "status", "details"}}`, the delay among the details."""

from __future__ import annotations

from typing import Any

from deploy.simulator.faults import Fault, Then
from deploy.simulator.jobs import Problem

_TYPE = "type.googleapis.com/google.rpc."
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_WORDS = {
    500: "An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/"
    "troubleshooting",
    503: "The model is overloaded. Please try again later.",
    504: "The service was unable to finish processing within the deadline.",
}
_METRIC = "generativelanguage.googleapis.com/generate_content_free_tier_requests"
_QUOTA = (
    "You exceeded your current quota, please check your plan and billing details. For more information on "
    "this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits."
)
_CONTEXT = "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576)."


class BadRequest(ValueError):
    """The caller's mistake, in the words of the answer."""


def problem(
    code: int, message: str, details: list[dict[str, Any]] | None = None, status: str | None = None
) -> Problem:
    error: dict[str, Any] = {
        "code": code,
        "message": message,
        "status": status or _STATUS.get(code, "UNKNOWN"),
    }
    if details:
        error["details"] = details
    return Problem(code, {"error": error})


UNREGISTERED = problem(
    403,
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or "
    "other form of API consumer identity to call this API.",
)
NOT_JSON = problem(400, "Invalid JSON payload received. Expected a JSON object.")
UNREADABLE_IMAGE = problem(
    400, "Unable to process input image. Please retry or report in https://ai.google.dev"
)
IN_STREAM = problem(503, _WORDS[503])


def bad_request(fault: BadRequest) -> Problem:
    return problem(400, str(fault))


def at_submit(then: Then, model: str) -> Problem | None:
    """The refusal of a call that a rule asks for."""
    match then.fault:
        case Fault.HTTP_500:
            code = then.status or 500
            return problem(code, _WORDS.get(code, _WORDS[500]), _delay(then))
        case Fault.HTTP_429:
            return _exhausted(then, "GenerateRequestsPerMinutePerProjectPerModel-FreeTier")
        case Fault.QUOTA:
            return _exhausted(then, "GenerateRequestsPerDayPerProjectPerModel-FreeTier")
        case Fault.CREDENTIAL:
            return _invalid_key(then)
        case Fault.MODEL_GONE:
            text = f"models/{model} is not found for API version v1beta, or is not supported for it."
            return problem(then.status or 404, text)
        case Fault.CALLER_FAULT:
            return problem(then.status or 400, then.message or "Request contains an invalid argument.")
        case Fault.CONTEXT_LENGTH:
            return problem(then.status or 400, _CONTEXT)
    return None


def at_work(then: Then) -> Problem | None:
    """What a call that was taken fails with; refusals are no errors here."""
    return problem(500, _WORDS[500]) if then.fault is Fault.JOB_FAILS else None


def _invalid_key(then: Then) -> Problem:
    info = {
        "@type": f"{_TYPE}ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }
    text = "API key not valid. Please pass a valid API key."
    return problem(then.status or 400, text, [info])


def _exhausted(then: Then, quota: str) -> Problem:
    violation = {"quotaMetric": _METRIC, "quotaId": quota, "quotaValue": "10"}
    failure = {"@type": f"{_TYPE}QuotaFailure", "violations": [violation]}
    help_link = {
        "description": "Learn more about Gemini API quotas",
        "url": "https://ai.google.dev/gemini-api",
    }
    links = {"@type": f"{_TYPE}Help", "links": [help_link]}
    wait = "" if then.retry_after is None else f"\nPlease retry in {then.retry_after:g}s."
    delay = [] if then.in_text else _delay(then)
    return problem(then.status or 429, f"{_QUOTA}{wait}", [links, failure, *delay])


def _delay(then: Then) -> list[dict[str, Any]]:
    if then.retry_after is None:
        return []
    return [{"@type": f"{_TYPE}RetryInfo", "retryDelay": f"{then.retry_after:g}s"}]
