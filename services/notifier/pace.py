"""How much each host gets at a time: little at first and while it is slow, more with each quick answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

PATIENCE_SECONDS: Final = 1.0
"""An answer that takes longer is slow, and a send that waits longer for one makes room for others."""
_MOST_KNOWN = 10_000


@dataclass(frozen=True, slots=True)
class Limits:
    """`quick` and `open` are sends, `in_hand` deliveries with those that wait for their turn."""

    quick: int
    """Sends that have lasted less than a second."""
    open: int
    """All of them: receivers that hang keep theirs for up to 15 seconds."""
    in_hand: int
    first_share: int
    """Sends to a host that nothing is known of, or that is slow."""
    most_share: int

    @classmethod
    def of(cls, sends: int) -> Self:
        """Bodies have at most 20 KB, and an idle connection little more."""
        return cls(sends, 8 * sends, 16 * sends, max(2, sends // 16), max(2, sends // 4))


class Pace:
    """Grows with quick answers, which hosts that are dead do not give."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._shares: dict[str, int] = {}
        """Zero for hosts that are slow."""

    def sends(self, host: str) -> int:
        """How many sends to it may be open."""
        return self._shares.get(host) or self._limits.first_share

    def in_hand(self, host: str) -> int:
        """How many deliveries to it may be in hand: enough for a burst, few for a host that is slow."""
        share = self._shares.get(host, self._limits.first_share)
        return 16 * share if share else 4 * self._limits.first_share

    def answered(self, host: str, seconds: float) -> None:
        """Take in how long an attempt took."""
        if seconds >= PATIENCE_SECONDS:
            self.slow(host)
            return
        share = self.sends(host) + 1
        if share <= self._limits.most_share:
            self._set(host, share)

    def slow(self, host: str) -> None:
        """It keeps a send waiting."""
        self._set(host, 0)

    def _set(self, host: str, share: int) -> None:
        if len(self._shares) >= _MOST_KNOWN and host not in self._shares:
            self._shares.clear()
        self._shares[host] = share
