"""What customers are told of a failure. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from shared.providers.errors import ErrorClass
from shared.tasks.model import TaskFailure

MESSAGES: Final[Mapping[ErrorClass, str]] = {
    ErrorClass.DEADLINE: "Task timed out",
    ErrorClass.CANCELLED: "Task was cancelled",
    ErrorClass.NO_OUTPUT: "The model produced no output for this request",
    ErrorClass.PROVIDER_NOT_CONFIGURED: "This model is not available at the moment",
}
NO_ROUTE_MESSAGE: Final = "Generation failed on every available provider"

NAMES: Final[Mapping[str, str]] = {
    "fal": r"fal(?:[-. ]ai)?",
    # The verb is no name.
    "replicate": r"replicate\.com|(?-i:Replicate)",
    "gemini": r"google(?:[ -](?:gemini|vertex|ai))?|gemini",
    "openai": r"open[ -]?ai(?:\.com)?",
    "openrouter": r"open[ -]?router(?:\.ai)?",
    "kie": r"kie(?:[-. ]ai)?",
}
"""How each provider is called in texts, as a pattern."""


def failure_of(
    error_class: ErrorClass | None, message: str | None = None, revealed: Collection[str] = ()
) -> TaskFailure:
    """What the customer is told; a provider's own words only where the request was at fault.

    Names of providers are taken out of them, but for the `revealed` ones.
    """
    words = without_names(message, revealed) if message else "refused"
    if error_class is ErrorClass.POLICY_REFUSAL:
        return TaskFailure(error_class=error_class, message=f"Content moderation: {words}")
    if error_class is ErrorClass.CALLER_FAULT:
        return TaskFailure(error_class=error_class, message=f"Invalid request: {words}")
    known = error_class or ErrorClass.UNKNOWN
    return TaskFailure(error_class=known, message=MESSAGES.get(known, NO_ROUTE_MESSAGE))


def without_names(text: str, revealed: Collection[str] = ()) -> str:
    """`text` with "the provider" for every name of a provider and every upstream model named after one."""
    hidden = [pattern for provider, pattern in NAMES.items() if provider not in revealed]
    if not hidden:
        return text
    names = rf"(?:\bthe\s+)?(?<![\w-])(?:{'|'.join(hidden)})(?:[/-][\w./-]*\w)?(?!\w)"
    return re.sub(names, "the provider", text, flags=re.IGNORECASE)
