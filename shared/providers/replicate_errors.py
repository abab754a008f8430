"""Replicate's words for failure. Source: replicate.com/docs, "HTTP API" and "Prediction lifecycle"."""

from __future__ import annotations

import re
from typing import Any, Final

from shared.providers.errors import ErrorClass, ErrorFacts, ErrorRow
from shared.providers.exchange import Reply
from shared.providers.refusals import REFUSAL

_NO_SUCH_VERSION: Final = re.compile(r"invalid version|version does not exist", re.IGNORECASE)
_INVALID_INPUT: Final = re.compile(r"input validation (?:error|failed)", re.IGNORECASE)

_SAYINGS: Final = {
    "canceled": "The prediction was cancelled.",
    "aborted": "The prediction was aborted before it started.",
    "succeeded": "The model finished without an output.",
    "data_removed": "The provider has already deleted the output.",
}


def rows(refusal: re.Pattern[str]) -> tuple[ErrorRow, ...]:
    """The table; `refusal` tells refusals among the texts of failed predictions, which carry no code.

    `canceled` is a stop on request or by a deadline while running; `aborted` never started, so another try is
    free. Outputs live for an hour: what is deleted cannot be delivered, and another try may. A 5xx to a
    submission is ambiguous, since Replicate has no other word for it.
    """
    return (
        ErrorRow("failed_refusal", ErrorClass.POLICY_REFUSAL, codes=("failed",), text=refusal),
        ErrorRow("failed_invalid_input", ErrorClass.CALLER_FAULT, codes=("failed",), text=_INVALID_INPUT),
        ErrorRow("failed", ErrorClass.TRANSIENT, codes=("failed",)),
        ErrorRow("canceled", ErrorClass.CANCELLED, codes=("canceled",)),
        ErrorRow("aborted", ErrorClass.TRANSIENT, codes=("aborted",)),
        ErrorRow("data_removed", ErrorClass.TRANSIENT, codes=("data_removed",)),
        ErrorRow("no_output", ErrorClass.NO_OUTPUT, codes=("succeeded",)),
        ErrorRow("server_error", ErrorClass.SUBMIT_AMBIGUOUS, statuses=range(500, 600)),
        ErrorRow("no_such_version", ErrorClass.MODEL_GONE, statuses=(422,), text=_NO_SUCH_VERSION),
        ErrorRow("rejected", ErrorClass.CALLER_FAULT, statuses=(400, 413, 422)),
        ErrorRow("unauthorized", ErrorClass.CREDENTIAL, statuses=(401, 403)),
        ErrorRow("no_credit", ErrorClass.QUOTA, statuses=(402,)),
        ErrorRow("no_such_model", ErrorClass.MODEL_GONE, statuses=(404,)),
        ErrorRow("try_again", ErrorClass.TRANSIENT, statuses=(408, 409)),
        ErrorRow("throttled", ErrorClass.RATE_LIMIT, statuses=(429,)),
    )


ROWS: Final = rows(REFUSAL)


def read_facts(reply: Reply) -> ErrorFacts:
    """Of a prediction, its status as code (or `data_removed`); of any other answer, title and detail."""
    body = reply.object()
    status = body.get("status")
    if reply.accepted and isinstance(status, str):
        return _prediction_facts(reply.status, status, body)
    parts = (body.get("title"), body.get("detail"))
    text = ": ".join(part for part in parts if isinstance(part, str))
    return ErrorFacts(reply.status, (), text or reply.text())


def _prediction_facts(http_status: int, status: str, body: dict[str, Any]) -> ErrorFacts:
    if status == "failed":
        error = body.get("error")
        return ErrorFacts(http_status, (status,), error if isinstance(error, str) else str(error or ""))
    word = "data_removed" if status == "succeeded" and body.get("data_removed") is True else status
    return ErrorFacts(http_status, (word,), _SAYINGS.get(word, ""))
