"""Reading what Replicate answers. Source: replicate.com/docs, "HTTP API" and "Prediction lifecycle"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from shared.providers.base import Done, Failed, Output, Running
from shared.providers.errors import ErrorClass
from shared.providers.exchange import NoReply, Reply
from shared.providers.messages import sanitise
from shared.providers.outputs import find_outputs

SUBMIT_STATUSES: Final[dict[int, ErrorClass]] = {
    400: ErrorClass.CALLER_FAULT,
    401: ErrorClass.CREDENTIAL,
    402: ErrorClass.QUOTA,
    403: ErrorClass.CREDENTIAL,
    404: ErrorClass.MODEL_GONE,
    408: ErrorClass.TRANSIENT,
    409: ErrorClass.TRANSIENT,
    413: ErrorClass.CALLER_FAULT,
    422: ErrorClass.CALLER_FAULT,
    429: ErrorClass.RATE_LIMIT,
}
"""By HTTP status of a submission; every 5xx is ambiguous, since Replicate has no other word for it."""

_RUNNING: Final = frozenset({"starting", "processing", "queued"})
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_NO_SUCH_VERSION: Final = re.compile(r"invalid version|version does not exist", re.IGNORECASE)
_INVALID_INPUT: Final = re.compile(r"input validation (?:error|failed)", re.IGNORECASE)


def read_submit(reply: Reply | NoReply) -> str | Failed:
    """The id of the prediction. A 2xx without one is ambiguous: something may be running."""
    if isinstance(reply, NoReply):
        return reply.failed_submit()
    body = reply.object()
    if not reply.accepted:
        return _submit_failure(reply, body)
    prediction_id = body.get("id")
    if isinstance(prediction_id, str) and _ID.fullmatch(prediction_id):
        return prediction_id
    return Failed(ErrorClass.SUBMIT_AMBIGUOUS, "The provider's answer names no prediction.")


def read_prediction(reply: Reply | NoReply, refusal: re.Pattern[str]) -> Running | Done | Failed:
    """`GET /v1/predictions/{id}`: only a 2xx with a known status says anything.

    `canceled` is a stop on request or by a deadline while running; `aborted` never started, so another try is
    free. `failed` has no code, only text, which `refusal` is searched in.
    """
    if isinstance(reply, NoReply):
        return Running(note=reply.reason)
    if not reply.accepted:
        return Running(note=f"the prediction request was answered {reply.status}")
    body = reply.object()
    status = body.get("status")
    if status in _RUNNING:
        return Running()
    if status == "succeeded":
        return _read_output(body)
    if status == "failed":
        return _read_error(body.get("error"), refusal)
    if status == "canceled":
        return Failed(ErrorClass.CANCELLED, "The prediction was cancelled.")
    if status == "aborted":
        return Failed(ErrorClass.TRANSIENT, "The prediction was aborted before it started.")
    return Running(note=f"unknown status {sanitise(str(status))!r}")


def merge(states: Sequence[Running | Done | Failed]) -> Running | Done | Failed:
    """One outcome of several predictions: wait for all, then keep what succeeded."""
    running = [state for state in states if isinstance(state, Running)]
    if running:
        return next((state for state in running if state.note), running[0])
    outputs: list[Output] = []
    for state in states:
        if isinstance(state, Done):
            outputs += state.outputs
    return Done(tuple(outputs)) if outputs else states[0]


def _submit_failure(reply: Reply, body: dict[str, Any]) -> Failed:
    parts = (body.get("title"), body.get("detail"))
    text = ": ".join(part for part in parts if isinstance(part, str)) or reply.text()
    if reply.status >= 500:
        return reply.failed(ErrorClass.SUBMIT_AMBIGUOUS, text)
    if reply.status == 422 and _NO_SUCH_VERSION.search(text):
        return reply.failed(ErrorClass.MODEL_GONE, text)
    return reply.failed(SUBMIT_STATUSES.get(reply.status, ErrorClass.UNKNOWN), text)


def _read_output(body: dict[str, Any]) -> Done | Failed:
    outputs = find_outputs(body.get("output"))
    if outputs:
        return Done(outputs)
    if body.get("data_removed") is True:
        # Outputs live for an hour; what is gone cannot be delivered, and another try may.
        return Failed(ErrorClass.TRANSIENT, "The provider has already deleted the output.")
    return Failed(ErrorClass.NO_OUTPUT, "The model finished without an image.")


def _read_error(error: object, refusal: re.Pattern[str]) -> Failed:
    text = error if isinstance(error, str) else str(error or "")
    if refusal.search(text):
        return Failed(ErrorClass.POLICY_REFUSAL, sanitise(text))
    if _INVALID_INPUT.search(text):
        return Failed(ErrorClass.CALLER_FAULT, sanitise(text))
    return Failed(ErrorClass.TRANSIENT, sanitise(text))
