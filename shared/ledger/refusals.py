"""Why an entry does not come into the chain."""

from __future__ import annotations

from shared.errors import HatcheryError


class InsufficientBalance(HatcheryError):
    """The balance does not cover this request."""

    code, status = "insufficient_balance", 402


class SpendCapReached(InsufficientBalance):
    """A spend cap of the key or the account does not cover this request."""


class BrokenEntry(HatcheryError):
    """An entry that no correct service writes: out of range, or capturing more than was held."""


class StaleEntry(HatcheryError):
    """The chain has grown since the entry was worked out: work it out again."""
