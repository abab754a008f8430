"""How Replicate says no: problem documents for requests, plain sentences for predictions."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from deploy.simulator.delays import retry_after
from deploy.simulator.faults import Fault, Then
from deploy.simulator.inputs import BadInput
from deploy.simulator.jobs import Problem
from deploy.simulator.sizes import RATIOS, RESOLUTIONS
from deploy.simulator.video import VIDEO_SIDES

_FAILURES = {
    Fault.JOB_FAILS: "Director: unexpected error handling prediction (E6716)",
    Fault.REFUSAL: "NSFW content detected. Try running it again, or try a different prompt.",
    Fault.NSFW: "NSFW content detected. Try running it again, or try a different prompt.",
    Fault.NO_MEDIA_GENERATED: "No image was generated. Try running it again.",
}
_CREDIT = (
    "You have insufficient credit to run this model. Go to https://replicate.com/account/billing#billing "
    "to purchase credit."
)


def problem(status: int, title: str, detail: str, **headers: str) -> Problem:
    """A problem document: `{"title", "detail", "status"}`."""
    return Problem(status, {"title": title, "detail": detail, "status": status}, headers)


UNAUTHENTICATED = problem(401, "Unauthenticated", "You did not pass a valid authentication token")
NOT_FOUND = problem(404, "Not found", "The requested resource could not be found.")
SERVER_ERROR = problem(500, "Internal server error", "Internal server error")


def invalid(name: str, kind: str, text: str) -> Problem:
    """A 422 that names the field."""
    field = {"type": kind, "field": name, "description": text}
    body = {
        "title": "Input validation failed",
        "detail": f"- {name}: {text}\n",
        "status": 422,
        "invalid_fields": [field],
    }
    return Problem(422, body)


NOT_JSON = invalid("body", "object", "the body must be a JSON object with an object in input")


def at_submit(then: Then, values: Mapping[str, Any], *, video: bool) -> Problem | None:
    """The refusal of a submission, asked for by a rule or earned by its input."""
    match then.fault:
        case Fault.HTTP_500:
            status = then.status or 500
            return problem(status, "Internal server error", "Internal server error", **retry_after(then))
        case Fault.HTTP_429:
            return _throttled(then)
        case Fault.QUOTA:
            return problem(then.status or 402, "Insufficient credit", _CREDIT)
        case Fault.CREDENTIAL:
            return problem(then.status or 401, "Unauthenticated", str(UNAUTHENTICATED.body["detail"]))
        case Fault.MODEL_GONE:
            return problem(then.status or 404, "Not found", str(NOT_FOUND.body["detail"]))
    if then.strikes(Fault.CALLER_FAULT, "submit"):
        return invalid("input.prompt", "invalid", then.message or "prompt is not acceptable")
    return _input_problem(values, VIDEO_SIDES if video else RESOLUTIONS)


def at_result(then: Then) -> Problem | None:
    """What a prediction ends with instead of pictures."""
    if then.fault is Fault.CALLER_FAULT:
        return _failure(f"Input validation error: {then.message or 'prompt is not acceptable'}")
    if then.fault is Fault.REFUSAL and then.message is not None:
        return _failure(then.message)
    text = None if then.fault is None else _FAILURES.get(then.fault)
    return None if text is None else _failure(text)


def bad_input(bad: BadInput) -> Problem:
    """An input image that cannot be fetched or read."""
    reason = "not an image" if bad.answered is None else f"the server answered {bad.answered}"
    return _failure(f"Input validation error: image_input[{bad.index}] could not be loaded: {reason}")


def _failure(error: str) -> Problem:
    return Problem(200, {}, error=error)


def _throttled(then: Then) -> Problem:
    seconds = 1 if then.retry_after is None else math.ceil(then.retry_after)
    plural = "" if seconds == 1 else "s"
    text = f"Request was throttled. Expected available in {seconds} second{plural}."
    return problem(then.status or 429, "Too many requests", text, **retry_after(then))


def _input_problem(values: Mapping[str, Any], resolutions: Collection[str]) -> Problem | None:
    if not isinstance(values.get("prompt"), str):
        return invalid("input", "required", "prompt is required")
    for name, allowed in (("aspect_ratio", (*RATIOS, "match_input_image")), ("resolution", resolutions)):
        if values.get(name) is not None and values[name] not in allowed:
            return invalid(f"input.{name}", "enum", f"{name} must be one of {', '.join(allowed)}")
    images = values.get("image_input", [])
    if not isinstance(images, list) or not all(isinstance(url, str) for url in images):
        return invalid("input.image_input", "array", "image_input must be an array of strings")
    return None
