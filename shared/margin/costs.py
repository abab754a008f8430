"""What a stored attempt has cost us, and whether that is all. Pure; nano-USD."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.providers.errors import ErrorClass

_BEFORE_ANY_WORK: Final = frozenset(
    {
        ErrorClass.RATE_LIMIT,
        ErrorClass.QUOTA,
        ErrorClass.CREDENTIAL,
        ErrorClass.MODEL_GONE,
        ErrorClass.CALLER_FAULT,
        ErrorClass.PROVIDER_NOT_CONFIGURED,
    }
)
"""With these a provider declines a submission: nobody is charged for that."""


@dataclass(frozen=True, slots=True)
class AttemptCost:
    """`nano` is what is known; `stated_nano` the part of it that the catalog states."""

    nano: int
    stated_nano: int
    known: bool
    """Whether that is all."""


def attempt_cost(attempt: Mapping[str, Any]) -> AttemptCost:
    """Of an attempt that is over: its own cost, and that of a job that was given up and finished late."""
    own, late = attempt.get("cost_nano"), attempt.get("late_cost_nano")
    stated = sum(
        attempt.get(f"{name}_nano") or 0
        for name in ("cost", "late_cost")
        if attempt.get(f"{name}_source") == "catalog"
    )
    if attempt.get("orphan_suspect"):
        known = late is not None and _all_named(attempt)
    else:
        known = own is not None or _never_began(attempt)
    return AttemptCost((own or 0) + (late or 0), stated, known)


def _all_named(attempt: Mapping[str, Any]) -> bool:
    """Whether each job that was left behind is one that the provider named, and so one that was watched."""
    named = len((attempt.get("provider_job") or {}).get("ids", ()))
    return bool(attempt.get("unaccounted", 0) <= named)


def _never_began(attempt: Mapping[str, Any]) -> bool:
    if attempt.get("provider_job"):
        return False
    if attempt.get("error_class") == ErrorClass.CANCELLED:
        return attempt.get("key_id") is None
    return attempt.get("error_class") in _BEFORE_ANY_WORK
