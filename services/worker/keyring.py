"""Which key, and so which adapter, makes a call."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from shared.providers.base import MediaProvider
from shared.providers.registry import Adapters
from shared.routing.health import Health


class KeyRing:
    """The adapters of this worker. Keys take turns; those that rest are passed over."""

    def __init__(self, adapters: Adapters) -> None:
        self._adapters = {
            name: {key: adapter for key, adapter in by_key.items() if isinstance(adapter, MediaProvider)}
            for name, by_key in adapters.items()
        }
        self._turns: defaultdict[str, int] = defaultdict(int)

    @property
    def providers(self) -> list[str]:
        """Those with at least one key that make images or videos."""
        return [name for name, by_key in self._adapters.items() if by_key]

    def choose(self, provider: str, route: str, health: Health, now: datetime) -> str | None:
        """The id of the key that is to make the next attempt; None for a provider without keys.

        When all rest, the one whose rest ends first: the router has decided that the attempt is made.
        """
        keys = list(self._adapters.get(provider, ()))
        if not keys:
            return None
        turn = self._turns[provider]
        self._turns[provider] = turn + 1
        taking_turns = [keys[(turn + number) % len(keys)] for number in range(len(keys))]
        return min(taking_turns, key=lambda key: health.key_ready_at(key, route, now))

    def adapter(self, provider: str, key_id: str | None) -> MediaProvider | None:
        """The adapter of this key. With the key gone another of the provider's, which may know its jobs."""
        by_key = self._adapters.get(provider, {})
        if key_id in by_key:
            return by_key[key_id]
        return next(iter(by_key.values()), None)
