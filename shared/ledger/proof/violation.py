"""What is found to be wrong, and what a person can do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise: which invariant, about what, and how."""

    invariant: str
    subject: str
    detail: str
    """A sentence that names what is there and what should be."""
    expected: str = field(default="", compare=False)
    found: str = field(default="", compare=False)

    @classmethod
    def differs(cls, invariant: str, subject: str, what: str, expected: object, found: object) -> Violation:
        """Something is one thing and should be another."""
        return cls(invariant, subject, f"{what} {found}, not {expected}", str(expected), str(found))

    @property
    def advice(self) -> str:
        """What to do."""
        return _ADVICE.get(self.invariant, "See the logs of billing.")

    def to_document(self) -> dict[str, str]:
        return {
            "invariant": self.invariant,
            "subject": self.subject,
            "detail": self.detail,
            "expected": self.expected,
            "found": self.found,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Violation:
        return cls(**document)


_ADVICE: Final[Mapping[str, str]] = {
    "I1": "A task was deleted: restore it from a backup. The chain is right, leave it as it is.",
    "I2": "See the task with `hatchery task show`, and whether router, workers and billing run.",
    "I3": "See the task with `hatchery task show`; what was charged too much goes back with "
    "`hatchery refund`.",
    "I4": "Somebody has changed the ledger. Compare the block with a backup and restore the whole database; "
    "never mend a block by hand.",
    "I5": "Compare the account's top-ups and adjustments with their payments; correct the difference with "
    "`hatchery adjust`.",
    "I6": "See the task with `hatchery task show` and whether billing runs: its auditor ends such holds.",
    "I7": "See whether the service that looks after this state runs.",
    "I8": "See whether the notifier runs.",
    "I16": "Compare the task with its coupon's chain: `hatchery coupon show`.",
}
