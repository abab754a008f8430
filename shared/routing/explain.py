"""Why a request would go where it would go now. Pure: what `hatchery route explain` shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.catalog.model import ModelEntry, Route
from shared.routing.breaker import CLOSED, BreakerState
from shared.routing.conditions import misfits, upstream_of
from shared.routing.health import Health
from shared.routing.order import ordered
from shared.tasks.model import TaskRequest


@dataclass(frozen=True, slots=True)
class RouteView:
    """One route as a request would meet it."""

    route: Route
    priority: int
    upstream_model: str
    keys: int
    """How many the provider has."""
    eligible: bool
    """Whether it can serve the request at all."""
    ready_at: datetime | None
    """When it may be used; None: not at all."""
    breaker: BreakerState
    why: tuple[str, ...]
    """What keeps it out or makes it wait; empty: ready."""


def explain(
    request: TaskRequest, model: ModelEntry, health: Health, now: datetime, task_id: str | None = None
) -> list[RouteView]:
    """Every route of the model in the order of this task, or by weight without one."""
    return [
        _view(request, model, route, priority, health, now) for priority, route in ordered(model, task_id)
    ]


def first_ready(views: Sequence[RouteView], now: datetime) -> RouteView | None:
    """The route that the request would take; None: it would wait or be rejected."""
    return next((view for view in views if view.ready_at is not None and view.ready_at <= now), None)


def _view(
    request: TaskRequest, model: ModelEntry, route: Route, priority: int, health: Health, now: datetime
) -> RouteView:
    keys = len(health.keys_of(route.provider))
    unfit = misfits(request, route, model.kind)
    out = [] if keys else [f"no worker has a key: set HATCHERY_PROVIDERS__{route.provider.upper()}__KEYS"]
    out += [f"not one that {what}" for what in unfit]
    breaker = health.breakers.get(route.name, CLOSED)
    held = health.held(route, now)
    waits = []
    if held is not None:
        broken = held.reason.startswith("breaker")
        waits.append(
            f"{held.reason if broken else 'rests'} until {held.until:%H:%M:%S} UTC"
            + ("" if broken else f" because of {held.reason}")
        )
    elif breaker.needs_probe(now):
        waits.append("breaker half-open: the next task tries it")
    return RouteView(
        route=route,
        priority=priority,
        upstream_model=upstream_of(request, route),
        keys=keys,
        eligible=not out,
        ready_at=None if out else health.ready_at(route, now),
        breaker=breaker.state(now),
        why=(*out, *waits),
    )
