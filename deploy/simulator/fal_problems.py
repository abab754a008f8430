"""How fal says no: refused submissions, failed jobs, model errors with a structured `detail`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from deploy.simulator.delays import delay_sentence, retry_after
from deploy.simulator.faults import Fault, Then
from deploy.simulator.inputs import BadInput
from deploy.simulator.jobs import Problem
from deploy.simulator.sizes import RATIOS, RESOLUTIONS
from deploy.simulator.video import VIDEO_SIDES

_MOST_IMAGES = 4
_LOCKED = "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."


def request_problem(status: int, detail: str, error_type: str, **headers: str) -> Problem:
    """A request error: `{"detail", "error_type"}` and `X-Fal-Error-Type`, also shown in the job's status."""
    sent = {"X-Fal-Error-Type": error_type, **headers}
    return Problem(status, {"detail": detail, "error_type": error_type}, sent, detail, error_type)


def plain_problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Problem:
    """`{"detail"}` alone, as authentication and routing answer."""
    return Problem(status, {"detail": detail}, headers or {})


def model_problem(
    kind: str, message: str, *where: str | int, retryable: bool = False, given: Any = None
) -> Problem:
    """A 422 of the model, told by the result only. `where`: path of the field below `body`."""
    item = {
        "loc": ["body", *where],
        "msg": message,
        "type": kind,
        "url": f"https://docs.fal.ai/errors#{kind}",
        "input": given,
    }
    return Problem(422, {"detail": [item]}, {"X-Fal-Retryable": str(retryable).lower()})


UNAUTHORIZED = plain_problem(401, "Cannot access application. Authentication is required to access it.")
NOT_JSON = request_problem(400, "Request body is not a JSON object.", "bad_request")
NO_REQUEST = plain_problem(404, "Request not found")
IN_PROGRESS = request_problem(400, "Request is still in progress", "bad_request")
CANCELLED = request_problem(499, "Request was cancelled", "client_cancelled")
START_DEADLINE = request_problem(
    504, "Request timed out", "request_timeout", **{"X-Fal-Request-Timeout-Type": "user"}
)
_RUNNER_ERROR = request_problem(500, "Runner returned an error", "runner_server_error")


def unknown_application(model: str) -> Problem:
    return plain_problem(404, f"Application {model!r} not found")


def at_submit(then: Then, model: str) -> Problem | None:
    """The refusal of a submission that a rule asks for."""
    wait = retry_after(then)
    match then.fault:
        case Fault.HTTP_500:
            return request_problem(then.status or 500, "Internal server error", "internal_error", **wait)
        case Fault.HTTP_429:
            text = "Too many concurrent requests for this user." + delay_sentence(then)
            return plain_problem(then.status or 429, text, wait)
        case Fault.QUOTA:
            return plain_problem(then.status or 403, _LOCKED)
        case Fault.CREDENTIAL:
            return plain_problem(then.status or 401, "No user found for Key ID and Secret")
        case Fault.MODEL_GONE:
            return plain_problem(then.status or 404, f"Application {model!r} not found")
    return _caller_fault(then) if then.strikes(Fault.CALLER_FAULT, "submit") else None


def at_result(then: Then, values: Mapping[str, Any], *, edit: bool, video: bool) -> Problem | None:
    """What a job ends with instead of pictures, by its rule or by its input."""
    match then.fault:
        case Fault.JOB_FAILS:
            return _RUNNER_ERROR
        case Fault.REFUSAL:
            text = "The content could not be processed because it was flagged by a content checker."
            return model_problem("content_policy_violation", then.message or text, "prompt")
        case Fault.NO_MEDIA_GENERATED:
            text = "No media was generated: the prompt or the images may hold unsafe content."
            return model_problem("no_media_generated", text, "prompt", retryable=True)
        case Fault.CALLER_FAULT:
            return _caller_fault(then)
    return _input_problem(values, VIDEO_SIDES if video else RESOLUTIONS, edit=edit)


def bad_input(bad: BadInput) -> Problem:
    """An input image that cannot be fetched or read."""
    where = ("image_urls", bad.index)
    if bad.answered is None:
        return model_problem("image_load_error", "Failed to load the image.", *where, given=bad.url[:200])
    text = f"Failed to download the file: the server answered {bad.answered}."
    return model_problem("file_download_error", text, *where, given=bad.url[:200])


def _caller_fault(then: Then) -> Problem:
    text = then.message or "Value error, the prompt is not acceptable"
    return model_problem("value_error", text, "prompt")


def _input_problem(values: Mapping[str, Any], resolutions: Collection[str], *, edit: bool) -> Problem | None:
    if not isinstance(values.get("prompt"), str):
        return model_problem("missing", "Field required", "prompt")
    if edit and not values.get("image_urls"):
        return model_problem("missing", "Field required", "image_urls")
    for name, allowed in (("aspect_ratio", RATIOS), ("resolution", resolutions)):
        if values.get(name) is not None and values[name] not in allowed:
            return model_problem("one_of", f"Input should be one of {', '.join(allowed)}", name)
    images = values.get("num_images", 1)
    if not isinstance(images, int) or images < 1:
        return model_problem("greater_than", "Input should be greater than 0", "num_images", given=images)
    if images > _MOST_IMAGES:
        text = f"Input should be less than {_MOST_IMAGES + 1}"
        return model_problem("less_than", text, "num_images", given=images)
    return None
