"""What is known about routes and keys at one moment. Pure data: the decision rests on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.catalog.model import Route
from shared.routing.breaker import CLOSED, Breaker, BreakerState


@dataclass(frozen=True, slots=True)
class Rest:
    """Something is to be left alone for a while."""

    until: datetime
    reason: str
    """An error class, or the state of a breaker: `breaker open`, `breaker half-open`."""


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
        held = self._key_held(key, route, now)
        return held.until if held is not None else now

    def ready_at(self, route: Route, now: datetime) -> datetime:
        """When the route may be used with at least one key: neither resting nor broken; `now` if at once."""
        held = self.held(route, now)
        return held.until if held is not None else now

    def held(self, route: Route, now: datetime) -> Rest | None:
        """What keeps the route from being used the longest; None: it is ready.

        A route without keys is not held: it cannot be used at all.
        """
        keys = [self._key_held(key, route.name, now) for key in self.keys_of(route.provider)]
        resting = [rest for rest in keys if rest is not None]
        causes = [self.rests.get(route_subject(route.name)), self._breaker_held(route.name, now)]
        if resting and len(resting) == len(keys):
            causes.append(min(resting, key=_until))
        return _longest(causes, now)

    def _key_held(self, key: str, route: str, now: datetime) -> Rest | None:
        subjects = (key_subject(key), key_on_route_subject(key, route))
        return _longest([self.rests.get(subject) for subject in subjects], now)

    def _breaker_held(self, route: str, now: datetime) -> Rest | None:
        breaker = self.breakers.get(route, CLOSED)
        word = "open" if breaker.state(now) is BreakerState.OPEN else "half-open"
        return Rest(breaker.usable_at(now), f"breaker {word}")


def _longest(rests: Iterable[Rest | None], now: datetime) -> Rest | None:
    """The one that lasts longest, of those that are not over."""
    return max((rest for rest in rests if rest is not None and rest.until > now), key=_until, default=None)


def _until(rest: Rest) -> datetime:
    return rest.until


def route_subject(route: str) -> str:
    """A whole route rests: its model is gone."""
    return f"route:{route}"


def key_subject(key: str) -> str:
    """A key rests on every route: it is refused, or its account has no money."""
    return f"key:{key}"


def key_on_route_subject(key: str, route: str) -> str:
    """A key rests on one route: that was asked too often."""
    return f"key:{key} on route:{route}"
