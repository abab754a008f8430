"""Telling whether a provider really sent a message. What it says is only a hint: the worker asks again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Protocol

import orjson

TOLERANCE_SECONDS: Final = 300
"""How far a message's time may be from ours; older ones may be replays."""

_TIMESTAMP: Final = re.compile(r"\d{1,12}", re.ASCII)
_JOB_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


class CallbackVerifier(Protocol):
    """Knows one provider's way of signing."""

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
        """The provider's id of the job that the message speaks of; None if it is not genuine.

        `headers` by their names in any case, `body` as it came, `now` with a time zone.
        """
        ...


def lower_names(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers by their names in lower case."""
    return {name.lower(): value for name, value in headers.items()}


def is_recent(timestamp: str, now: datetime) -> bool:
    """Whether a time in Unix seconds is within the tolerance."""
    if not _TIMESTAMP.fullmatch(timestamp):
        return False
    return abs(now.timestamp() - int(timestamp)) <= TOLERANCE_SECONDS


def object_of(body: bytes) -> dict[str, Any]:
    """The parsed body if it is a JSON object, else an empty one."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def job_id(value: object) -> str | None:
    """`value` if it can be a provider's id of a job."""
    return value if isinstance(value, str) and _JOB_ID.fullmatch(value) else None
