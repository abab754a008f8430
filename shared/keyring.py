"""Which key, and so which adapter, makes a call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Generic, TypeVar

from shared.providers.base import EmbeddingProvider, MediaProvider, Provider, TextProvider
from shared.providers.registry import Adapters
from shared.routing.health import Health

P = TypeVar("P", bound=Provider)
ByKey = Mapping[str, Mapping[str, P]]
"""Adapters of one kind, by provider name and key id."""


def media_adapters(adapters: Adapters) -> ByKey[MediaProvider]:
    """Those that make images or videos."""
    return {
        name: {key: adapter for key, adapter in by_key.items() if isinstance(adapter, MediaProvider)}
        for name, by_key in adapters.items()
    }


def text_adapters(adapters: Adapters) -> ByKey[TextProvider]:
    """Those that continue conversations."""
    return {
        name: {key: adapter for key, adapter in by_key.items() if isinstance(adapter, TextProvider)}
        for name, by_key in adapters.items()
    }


def embedding_adapters(adapters: Adapters) -> ByKey[EmbeddingProvider]:
    """Those that turn texts into vectors."""
    return {
        name: {key: adapter for key, adapter in by_key.items() if isinstance(adapter, EmbeddingProvider)}
        for name, by_key in adapters.items()
    }


class KeyRing(Generic[P]):
    """The adapters of this process, of one kind. Keys take turns; those that rest are passed over."""

    def __init__(self, adapters: ByKey[P]) -> None:
        self._adapters = {name: by_key for name, by_key in adapters.items() if by_key}
        self._turns: defaultdict[str, int] = defaultdict(int)

    @property
    def providers(self) -> list[str]:
        """Those with at least one key."""
        return list(self._adapters)

    @property
    def ids(self) -> dict[str, tuple[str, ...]]:
        """Key ids by provider."""
        return {name: tuple(by_key) for name, by_key in self._adapters.items()}

    def choose(self, provider: str, route: str, health: Health, now: datetime) -> str | None:
        """The id of the key that is to make the next attempt; None for a provider without keys.

        When all rest, the one whose rest ends first: it is decided already that the attempt is made.
        """
        keys = list(self._adapters.get(provider, ()))
        if not keys:
            return None
        turn = self._turns[provider]
        self._turns[provider] = turn + 1
        taking_turns = [keys[(turn + number) % len(keys)] for number in range(len(keys))]
        return min(taking_turns, key=lambda key: health.key_ready_at(key, route, now))

    def adapter(self, provider: str, key_id: str | None) -> P | None:
        """The adapter of this key. With the key gone another of the provider's, which may know its jobs."""
        by_key = self._adapters.get(provider, {})
        if key_id is not None and key_id in by_key:
            return by_key[key_id]
        return next(iter(by_key.values()), None)
