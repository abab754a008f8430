"""A task before the router: what was tried, what is known, and what is decided."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.catalog.model import ModelEntry, Route, When
from shared.catalog.prices import ImagePrice
from shared.providers.capabilities import Kind
from shared.providers.errors import ErrorClass
from shared.routing.breaker import Breaker
from shared.routing.decision import Decision, decide
from shared.routing.health import Health, Rest, key_on_route_subject, key_subject, route_subject
from shared.tasks.lifecycle import State
from shared.tasks.model import Task
from tests.unit.building import NOON, a_task, attempt

DEADLINE_SECONDS = 15 * 60
Tries = list[tuple[str, ErrorClass]]


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def route(provider: str, **fields: Any) -> Route:
    return Route(**{"provider": provider, "generate": "banana", "edit": "banana/edit", **fields})


def when(**fields: Any) -> When:
    return When(**fields)


CHAIN = (route("fal"), route("replicate"), route("kie"))


def a_model(chain: tuple[Route, ...] = CHAIN, **fields: Any) -> ModelEntry:
    price = ImagePrice(per="image", usd="0.01")
    return ModelEntry(**{"kind": Kind.IMAGE, "price": price, "chain": chain, **fields})


@dataclass(frozen=True)
class Situation:
    """Times are seconds after noon, when the last attempt ended; a provider has one key, `<name>-1`."""

    tries: Tries = field(default_factory=list)
    chain: tuple[Route, ...] = CHAIN
    model: dict[str, Any] = field(default_factory=dict)
    request: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    """How many, where it is not one."""
    routes_rest: dict[str, tuple[float, ErrorClass]] = field(default_factory=dict)
    """By provider."""
    keys_rest: dict[str, tuple[float, ErrorClass]] = field(default_factory=dict)
    """By key, on every route."""
    keys_rest_here: dict[str, tuple[float, ErrorClass]] = field(default_factory=dict)
    """By key, on this model's route."""
    breakers: dict[str, Breaker] = field(default_factory=dict)
    now: float = 0
    cancelled: bool = False

    def health(self) -> Health:
        names = {one.provider: one.name for one in self.chain}
        keys = {
            name: tuple(f"{name}-{number}" for number in range(1, self.keys.get(name, 1) + 1))
            for name in names
        }
        rests = {route_subject(names[name]): rest for name, rest in self.routes_rest.items()}
        rests |= {key_subject(key): rest for key, rest in self.keys_rest.items()}
        rests |= {
            key_on_route_subject(key, names[key.partition("-")[0]]): rest
            for key, rest in self.keys_rest_here.items()
        }
        return Health(
            keys={name: some for name, some in keys.items() if some},
            rests={subject: Rest(at(until), reason.value) for subject, (until, reason) in rests.items()},
            breakers={names[name]: breaker for name, breaker in self.breakers.items()},
        )

    def task(self) -> Task:
        names = {one.provider: one.name for one in self.chain}
        attempts = tuple(
            attempt(names.get(name, f"{name}:gone"), error_class, number=number)
            for number, (name, error_class) in enumerate(self.tries, 1)
        )
        return a_task(
            State.ATTEMPT_FAILED if attempts else State.QUEUED,
            attempts=attempts,
            request={"prompt": "a hen", **self.request},
            cancel_requested_at=NOON if self.cancelled else None,
        )

    def decided(self) -> Decision:
        return decide(self.task(), a_model(self.chain, **self.model), self.health(), at(self.now))


def opened(until: float, probe_until: float | None = None) -> Breaker:
    """A breaker that is open until then."""
    return Breaker(
        open_until=at(until), trips=1, probe_until=at(probe_until) if probe_until is not None else None
    )
