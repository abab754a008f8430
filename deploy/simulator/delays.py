"""How long to wait, as headers tell it."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from deploy.simulator.faults import Then


def retry_after(then: Then, *, milliseconds: bool = False) -> dict[str, str]:
    """`Retry-After` of a rule: whole seconds or an HTTP date; `milliseconds` adds OpenAI's exact header."""
    if then.retry_after is None or then.in_text:
        return {}
    if then.http_date:
        moment = datetime.now(UTC) + timedelta(seconds=then.retry_after)
        return {"Retry-After": format_datetime(moment, usegmt=True)}
    headers = {"Retry-After": str(math.ceil(then.retry_after))}
    return headers | ({"retry-after-ms": f"{then.retry_after * 1000:g}"} if milliseconds else {})


def delay_sentence(then: Then) -> str:
    """The delay in words with a space before them, where the rule wants it in the message."""
    if then.retry_after is None or not then.in_text:
        return ""
    return f" Please retry in {math.ceil(then.retry_after)}s."
