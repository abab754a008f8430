"""How OpenAI says no: `{"error": {"message", "type", "param", "code"}}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploy.simulator.chat import BadRequest
from deploy.simulator.delays import retry_after
from deploy.simulator.faults import Fault, Then
from deploy.simulator.jobs import Problem

_INVALID = "invalid_request_error"
_SERVER = "The server had an error while processing your request. Sorry about that!"
_QUOTA = (
    "You exceeded your current quota, please check your plan and billing details. For more information on "
    "this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors."
)
_CONTEXT = (
    "This model's maximum context length is 128000 tokens. However, your messages resulted in 128001 tokens. "
    "Please reduce the length of the messages."
)
_REJECTED = (
    "Your request was rejected by the safety system. If you believe this is an error, contact us at "
    "help.openai.com and include the request ID."
)


def problem(
    status: int,
    message: str,
    kind: str = _INVALID,
    *,
    code: str | None = None,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Problem:
    error = {"message": message, "type": kind, "param": param, "code": code}
    return Problem(status, {"error": error}, headers or {})


UNAUTHORIZED = problem(
    401, "You didn't provide an API key. You need to provide it in an Authorization header using Bearer auth."
)
NOT_JSON = problem(400, "We could not parse the JSON body of your request.")
NOT_A_FORM = problem(400, "We could not parse the multipart form of your request.")
IN_STREAM: Mapping[str, Any] = problem(500, _SERVER, "server_error").body
UNREADABLE_IMAGE = problem(
    400, "Invalid image file or mode for image 1, please check your image file.", code="invalid_image_file"
)


def bad_request(fault: BadRequest) -> Problem:
    return problem(400, str(fault), code=fault.code, param=fault.parameter)


def at_submit(then: Then, model: str, *, field: str) -> Problem | None:
    """The refusal of a call that a rule asks for. `field`: the parameter a caller's fault is in."""
    wait = retry_after(then, milliseconds=True)
    match then.fault:
        case Fault.HTTP_500:
            return problem(then.status or 500, _SERVER, "server_error", headers=wait)
        case Fault.HTTP_429:
            seconds = f" Please try again in {then.retry_after:g}s." if then.retry_after is not None else ""
            text = f"Rate limit reached for {model} on requests per min (RPM).{seconds}"
            sent = {} if then.in_text else wait
            return problem(then.status or 429, text, "requests", code="rate_limit_exceeded", headers=sent)
        case Fault.QUOTA:
            kind = "insufficient_quota"
            return problem(then.status or 429, _QUOTA, kind, code=kind, headers=wait)
        case Fault.CREDENTIAL:
            text = (
                "Incorrect API key provided: test. You can find your API key at https://platform.openai.com."
            )
            return problem(then.status or 401, text, code="invalid_api_key")
        case Fault.MODEL_GONE:
            text = f"The model `{model}` does not exist or you do not have access to it."
            return problem(then.status or 404, text, code="model_not_found")
        case Fault.CALLER_FAULT:
            text = f"Invalid value: '{field}' is not acceptable."
            return problem(then.status or 400, text, code="invalid_value", param=field)
        case Fault.CONTEXT_LENGTH:
            return problem(then.status or 400, _CONTEXT, code="context_length_exceeded", param=field)
    return None


def at_work(then: Then, *, image: bool) -> Problem | None:
    """What a call that was taken fails with."""
    if then.fault is Fault.JOB_FAILS:
        return problem(500, _SERVER, "server_error")
    if then.strikes(Fault.REFUSAL, "submit") or (image and then.fault is Fault.REFUSAL):
        kind = "image_generation_user_error" if image else _INVALID
        return problem(400, _REJECTED, kind, code="moderation_blocked")
    return None
