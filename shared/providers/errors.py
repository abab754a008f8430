"""The one list of ways in which a provider can fail, and how a provider's own words are sorted into it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum


class ErrorClass(StrEnum):
    """What a failed attempt means for the hold, the route and the next step."""

    TRANSIENT = "transient"
    RATE_LIMIT = "rate_limit"
    QUOTA = "quota"
    CREDENTIAL = "credential"
    MODEL_GONE = "model_gone"
    CALLER_FAULT = "caller_fault"
    POLICY_REFUSAL = "policy_refusal"
    NO_OUTPUT = "no_output"
    SUBMIT_AMBIGUOUS = "submit_ambiguous"
    CANCELLED = "cancelled"
    DEADLINE = "deadline"
    PROVIDER_NOT_CONFIGURED = "provider_not_configured"
    UNKNOWN = "unknown"


FINAL_FOR_THE_TASK = frozenset(
    {ErrorClass.CALLER_FAULT, ErrorClass.POLICY_REFUSAL, ErrorClass.CANCELLED, ErrorClass.DEADLINE}
)
"""No other route would end the task differently."""


@dataclass(frozen=True, slots=True)
class ErrorFacts:
    """What an adapter has found in an answer that tells of a failure."""

    status: int
    """The HTTP status, or the one in the body where the provider puts the real one there."""
    codes: Collection[str] = ()
    """Every machine-readable word: codes, types, reasons."""
    text: str = ""


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One row of a provider's table. What is left out matches anything."""

    name: str
    """Says what the row is for; a recorded answer of this name belongs to it."""
    error_class: ErrorClass
    statuses: Collection[int] = ()
    codes: Collection[str] = ()
    text: re.Pattern[str] | None = None

    def matches(self, facts: ErrorFacts) -> bool:
        if self.statuses and facts.status not in self.statuses:
            return False
        if self.codes and not any(code in self.codes for code in facts.codes):
            return False
        return self.text is None or self.text.search(facts.text) is not None


def classify(rows: Sequence[ErrorRow], facts: ErrorFacts) -> ErrorRow | None:
    """The first row that matches."""
    return next((row for row in rows if row.matches(facts)), None)
