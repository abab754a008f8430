"""The one list of ways in which a provider can fail, whatever the provider's own words for it."""

from __future__ import annotations

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
    UNKNOWN = "unknown"


FINAL_FOR_THE_TASK = frozenset(
    {ErrorClass.CALLER_FAULT, ErrorClass.POLICY_REFUSAL, ErrorClass.CANCELLED, ErrorClass.DEADLINE}
)
"""No other route would end the task differently."""
