"""How OpenRouter says no: `{"error": {"code", "message", "metadata"}, "user_id"}`, the code a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploy.simulator.chat import BadRequest
from deploy.simulator.delays import retry_after
from deploy.simulator.faults import Fault, Then
from deploy.simulator.inputs import BadInput
from deploy.simulator.jobs import Problem

PROVIDER = "Simulator"
_USER = "user_simulator"
_CONTEXT = (
    "This endpoint's maximum context length is 128000 tokens. However, you requested about 128001 tokens. "
    "Please reduce the length of either one, or use the context-compression plugin."
)
_WORDS = {
    500: "Internal Server Error",
    502: "Provider returned error",
    503: "No instances available",
    524: "Provider timed out",
    529: "Provider overloaded",
}
_RAW = {"provider_name": PROVIDER, "raw": '{"error":"upstream error"}'}


def problem(
    status: int,
    message: str,
    metadata: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Problem:
    return Problem(status, document(status, message, metadata), headers or {})


def document(code: int, message: str, metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The body of an error, whatever the status of the answer that carries it."""
    error: dict[str, Any] = {"code": code, "message": message}
    if metadata is not None:
        error["metadata"] = metadata
    return {"error": error, "user_id": _USER}


UNAUTHORIZED = problem(401, "No auth credentials found")
NOT_JSON = problem(400, "Invalid JSON body")
IN_200 = document(502, _WORDS[502], _RAW)


def bad_request(fault: BadRequest) -> Problem:
    return problem(400, f"{fault.parameter}: {fault}")


def bad_input(bad: BadInput) -> Problem:
    """An input image that cannot be fetched or read."""
    return problem(400, f"Failed to load image {bad.index + 1} of the request.", {"provider_name": PROVIDER})


def at_submit(then: Then, model: str, *, image: bool) -> Problem | None:
    """The refusal of a call that a rule asks for."""
    wait = retry_after(then)
    match then.fault:
        case Fault.HTTP_500:
            status = then.status or 500
            metadata = _RAW if status in (502, 524, 529) else None
            return problem(status, _WORDS.get(status, _WORDS[500]), metadata, wait)
        case Fault.HTTP_429:
            return _limited(then, model, wait)
        case Fault.QUOTA:
            text = "Insufficient credits. Add more using https://openrouter.ai/settings/credits"
            return problem(then.status or 402, text)
        case Fault.CREDENTIAL:
            return problem(then.status or 401, "User not found.")
        case Fault.MODEL_GONE:
            text = "that support the requested output modalities: image, text" if image else f"for {model}."
            return problem(then.status or 404, f"No endpoints found {text}")
        case Fault.CALLER_FAULT:
            return problem(then.status or 400, "Input validation error", {"provider_name": PROVIDER})
        case Fault.CONTEXT_LENGTH:
            return problem(then.status or 400, _CONTEXT)
    return None


def _limited(then: Then, model: str, wait: Mapping[str, str]) -> Problem:
    seconds = f" Please retry after {then.retry_after:g} seconds." if then.retry_after is not None else ""
    raw = {"provider_name": PROVIDER, "raw": f"{model} is temporarily rate-limited upstream.{seconds}"}
    return problem(then.status or 429, "Provider returned error", raw, {} if then.in_text else wait)


def at_work(then: Then, model: str, prompt: str) -> Problem | None:
    """What a call that was taken fails with."""
    if then.fault is Fault.JOB_FAILS:
        return problem(502, _WORDS[502], _RAW)
    if then.strikes(Fault.REFUSAL, "submit"):
        metadata = {
            "reasons": ["sexual"],
            "flagged_input": prompt[:100],
            "provider_name": PROVIDER,
            "model_slug": model,
        }
        return problem(403, "Input was flagged by moderation", metadata)
    return None
