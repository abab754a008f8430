"""kie.ai's words for failure. Source: docs.kie.ai, "Common API" and "Get task details"."""

from __future__ import annotations

import re
from typing import Any, Final

from shared.providers.errors import ErrorClass, ErrorFacts, ErrorRow
from shared.providers.exchange import Reply
from shared.providers.refusals import REFUSAL

_OK: Final = 200
_UNKNOWN_MODEL: Final = re.compile(r"model (?:name|you).*not supported|model .*not found", re.IGNORECASE)


def rows(refusal: re.Pattern[str]) -> tuple[ErrorRow, ...]:
    """The table; `refusal` tells refusals among the texts of failed tasks, which have no code for them."""
    return (
        ErrorRow("failed_refusal", ErrorClass.POLICY_REFUSAL, codes=("failed",), text=refusal),
        ErrorRow("failed_input", ErrorClass.CALLER_FAULT, statuses=(400, 422, 451), codes=("failed",)),
        ErrorRow("failed", ErrorClass.TRANSIENT, codes=("failed",)),
        ErrorRow("no_output", ErrorClass.NO_OUTPUT, codes=("success",)),
        ErrorRow("unauthorized", ErrorClass.CREDENTIAL, statuses=(401, 403)),
        ErrorRow("no_credit", ErrorClass.QUOTA, statuses=(402,)),
        ErrorRow("key_limit", ErrorClass.QUOTA, statuses=(433,)),
        ErrorRow("not_found", ErrorClass.MODEL_GONE, statuses=(404,)),
        ErrorRow("unknown_model", ErrorClass.MODEL_GONE, statuses=(422,), text=_UNKNOWN_MODEL),
        ErrorRow("rejected", ErrorClass.CALLER_FAULT, statuses=(400, 413, 422)),
        ErrorRow("image_not_fetched", ErrorClass.CALLER_FAULT, statuses=(451,)),
        ErrorRow("upstream_silent", ErrorClass.TRANSIENT, statuses=(408,)),
        ErrorRow("rate_limited", ErrorClass.RATE_LIMIT, statuses=(429,)),
        ErrorRow("maintenance", ErrorClass.TRANSIENT, statuses=(455,)),
        ErrorRow("generation_failed", ErrorClass.TRANSIENT, statuses=(501,)),
        ErrorRow("feature_disabled", ErrorClass.MODEL_GONE, statuses=(505,)),
        ErrorRow("server_error", ErrorClass.SUBMIT_AMBIGUOUS, statuses=range(500, 600)),
    )


ROWS: Final = rows(REFUSAL)


def status_of(reply: Reply) -> int:
    """The real status: the body's `code`, also under HTTP 200; without one that tells of trouble, HTTP's."""
    code = _number(reply.object().get("code"))
    return reply.status if code in (None, _OK) else code or 0


def data_of(reply: Reply) -> dict[str, Any]:
    """`data` of the body if it is an object, else an empty one."""
    data = reply.object().get("data")
    return data if isinstance(data, dict) else {}


def read_facts(reply: Reply) -> ErrorFacts:
    """Of a failed task, `failed` with failCode as status and failMsg; of any other answer, code and text."""
    body, data = reply.object(), data_of(reply)
    status = status_of(reply)
    if data.get("state") == "fail":
        text = data.get("failMsg")
        return ErrorFacts(
            _number(data.get("failCode")) or status, ("failed",), text if isinstance(text, str) else ""
        )
    if data.get("state") == "success":
        return ErrorFacts(status, ("success",), "The model finished without an output.")
    # The older playground path says `message`.
    said = (body.get("msg"), body.get("message"))
    return ErrorFacts(status, (), next((text for text in said if isinstance(text, str)), reply.text()))


def _number(value: object) -> int | None:
    """Codes come as numbers and as text."""
    if type(value) is int:
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,6}", value, re.ASCII) else None
