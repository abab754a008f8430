"""How kie.ai says no: a `code` in the body under HTTP 200, or a task whose state is `fail`."""

from __future__ import annotations

from deploy.simulator.delays import delay_sentence, retry_after
from deploy.simulator.faults import Fault, Then
from deploy.simulator.inputs import BadInput
from deploy.simulator.jobs import Problem

_PROHIBITED = ("422", "Invalid prompt: prompt contains prohibited content")
_TOO_LATE = ("408", "The upstream service did not answer within 10 minutes")
_FAILURES = {
    Fault.JOB_FAILS: ("500", "Internal Error, Please try again later."),
    Fault.REFUSAL: _PROHIBITED,
    Fault.NSFW: _PROHIBITED,
    Fault.NO_MEDIA_GENERATED: ("501", "Generation failed: the model returned no image"),
    Fault.CALLER_FAULT: ("422", "Input validation failed: prompt is not acceptable"),
    Fault.ABORTED: _TOO_LATE,
    Fault.USER_DEADLINE: _TOO_LATE,
}
_CALLERS = frozenset((Fault.REFUSAL, Fault.CALLER_FAULT))
_REFUSED = {
    Fault.HTTP_500: (500, "Server exception, please try again later or contact customer service"),
    Fault.QUOTA: (402, "Credits insufficient: please top up to continue"),
    Fault.CREDENTIAL: (401, "You do not have access permissions"),
    Fault.MODEL_GONE: (505, "This feature is currently disabled"),
}


def coded(code: int, message: str, status: int = 200, headers: dict[str, str] | None = None) -> Problem:
    """`{"code", "msg", "data": null}`. `status`: the one of HTTP, which says nothing."""
    return Problem(status, {"code": code, "msg": message, "data": None}, headers or {})


UNAUTHORIZED = coded(*_REFUSED[Fault.CREDENTIAL])
NOT_JSON = coded(422, "The request body is not a JSON object with a model and an input")
NO_MODEL = coded(404, "The model name is not supported")
NO_TASK = coded(404, "recordInfo is null")
NOT_OURS = coded(422, "The url is not a generated file")
SERVER_ERROR = coded(*_REFUSED[Fault.HTTP_500])


def invalid(message: str) -> Problem:
    return coded(422, message)


def at_submit(then: Then) -> Problem | None:
    """The refusal of a task that a rule asks for. A `status` of the rule is told by HTTP and in the body."""
    if then.strikes(Fault.CALLER_FAULT, "submit"):
        return invalid(then.message or "prompt is not acceptable")
    if then.fault is Fault.HTTP_429:
        text = "Your call frequency is too high. Please try again later." + delay_sentence(then)
        return coded(then.status or 429, text, then.status or 200, retry_after(then))
    refused = None if then.fault is None else _REFUSED.get(then.fault)
    if refused is None:
        return None
    code, text = refused
    return coded(then.status or code, text, then.status or 200, retry_after(then))


def at_result(then: Then) -> Problem | None:
    """What a task ends with instead of files."""
    failure = None if then.fault is None else _FAILURES.get(then.fault)
    if failure is None:
        return None
    code, text = failure
    told = then.message if then.fault in _CALLERS else None
    return _failure(code, told or text)


def bad_input(bad: BadInput) -> Problem:
    """An input image that cannot be fetched or read."""
    reason = "not an image" if bad.answered is None else f"the server answered {bad.answered}"
    return _failure("451", f"Failed to fetch the image {bad.index + 1}: {reason}")


def _failure(code: str, message: str) -> Problem:
    return Problem(200, {}, error=message, error_type=code)
