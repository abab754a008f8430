"""How much this worker takes on: per provider, so that a slow one fills its own places and no other's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from services.worker.shares import Shares
from shared.bus.topology import worker_queue


class WorkerCapacity:
    """Places for attempts, `most` per provider and worker, fewer where all workers together have a limit."""

    def __init__(self, providers: Sequence[str], most: int, shares: Shares) -> None:
        self._providers = {worker_queue(provider).name: provider for provider in providers}
        self._most = most
        self._shares = shares
        self._in_hand: Counter[str] = Counter()
        self._closed = False

    def take(self, provider: str) -> None:
        """One more attempt is in hand."""
        self._in_hand[provider] += 1

    def give(self, provider: str) -> None:
        """It has ended."""
        self._in_hand[provider] -= 1

    def close(self) -> None:
        """Take on nothing more."""
        self._closed = True

    def in_hand(self, provider: str) -> int:
        return self._in_hand[provider]

    def left(self, provider: str) -> int:
        """How many more attempts on this provider fit."""
        if self._closed or self._shares.behind(provider):
            return 0
        allowed = self._shares.concurrency(provider)
        most = self._most if allowed is None else min(allowed, self._most)
        return max(most - self._in_hand[provider], 0)

    def room(self, queue: str) -> int:
        return self.left(self._providers[queue])

    def most_room(self) -> int:
        return max((self.left(provider) for provider in self._providers.values()), default=0)

    def full_providers(self) -> Collection[str]:
        return [provider for provider in self._providers.values() if not self.left(provider)]
