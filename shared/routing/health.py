"""What is known about routes and keys at one moment. Pure data: the decision rests on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.catalog.model import Route
from shared.routing.breaker import CLOSED, Breaker


@dataclass(frozen=True, slots=True)
class Rest:
    """Something is to be left alone for a while."""

    until: datetime
    reason: str
    """An error class."""


@dataclass(frozen=True, slots=True)
class Health:
    """Rests by subject, breakers by route name, and the ids of the configured keys by provider."""

    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rests: Mapping[str, Rest] = field(default_factory=dict)
    breakers: Mapping[str, Breaker] = field(default_factory=dict)

    def keys_of(self, provider: str) -> tuple[str, ...]:
        """The configured keys; none: the provider cannot be used."""
        return self.keys.get(provider, ())

    def key_ready_at(self, key: str, route: str, now: datetime) -> datetime:
        """When this key may be used on this route; `now` if at once."""
        subjects = (key_subject(key), key_on_route_subject(key, route))
        return max([now, *(self.rests[subject].until for subject in subjects if subject in self.rests)])

    def ready_at(self, route: Route, now: datetime) -> datetime:
        """When the route may be used with at least one key: neither resting nor broken; `now` if at once."""
        keys = [self.key_ready_at(key, route.name, now) for key in self.keys_of(route.provider)]
        rest = self.rests.get(route_subject(route.name))
        return max(
            min(keys, default=now),
            rest.until if rest is not None else now,
            self.breakers.get(route.name, CLOSED).usable_at(now),
        )


def route_subject(route: str) -> str:
    """A whole route rests: its model is gone."""
    return f"route:{route}"


def key_subject(key: str) -> str:
    """A key rests on every route: it is refused, or its account has no money."""
    return f"key:{key}"


def key_on_route_subject(key: str, route: str) -> str:
    """A key rests on one route: that was asked too often."""
    return f"key:{key} on route:{route}"
