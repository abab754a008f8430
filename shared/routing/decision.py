"""Which route a task takes next. Pure: everything the decision rests on is an argument."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.catalog.model import ModelEntry, Route
from shared.providers.errors import ErrorClass
from shared.routing.breaker import CLOSED
from shared.routing.conditions import misfits, no_fit, upstream_of
from shared.routing.failures import NO_ROUTE_MESSAGE, failure_of
from shared.routing.health import Health, Rest
from shared.routing.order import ordered
from shared.routing.tries import Tries
from shared.tasks.model import Attempt, Task, TaskFailure

__all__ = [
    "AMBIGUITY_GRACE",
    "NO_ROUTE_MESSAGE",
    "Decision",
    "Dispatch",
    "Reject",
    "Wait",
    "decide",
    "failure_of",
    "upstream_model",
]

AMBIGUITY_GRACE = timedelta(seconds=2)
"""After a hand-over whose outcome is unknown, before the task is tried once more."""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Give the task to this route."""

    route: Route
    probe: bool = False
    """Its breaker is half-open: this attempt finds out whether it works again."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before this time."""

    until: datetime
    reason: str
    """An error class, or the state of a breaker."""


@dataclass(frozen=True, slots=True)
class Reject:
    """End the task without output."""

    failure: TaskFailure


Decision = Dispatch | Wait | Reject


def decide(
    task: Task, model: ModelEntry | None, health: Health, now: datetime, revealed: Collection[str] = ()
) -> Decision:
    """The next step of a task that is queued or whose attempt failed.

    `model` is None when it has left the catalog. Customers may read the names of `revealed` providers.
    """
    tries = Tries(task.attempts)
    if task.cancel_requested_at is not None:
        return Reject(failure_of(ErrorClass.CANCELLED))
    final = tries.final(model)
    if final is not None:
        return Reject(failure_of(final.error_class, final.error_message, revealed))
    if now >= task.deadline_at:
        return Reject(failure_of(ErrorClass.DEADLINE))
    last = tries.last
    if last is None:
        refusal = _impossible(task, model, health)
        if refusal is not None:
            return Reject(refusal)
    left = _routes_left(task, tries, model, health)
    if not left:
        return Reject(_told_of(last, revealed))
    return _first_ready(left, last, health, now, task.deadline_at)


def _impossible(task: Task, model: ModelEntry | None, health: Health) -> TaskFailure | None:
    """Why the task cannot even be tried; None if it can."""
    usable = [route for route in model.chain if health.keys_of(route.provider)] if model else []
    if model is None or not usable:
        return failure_of(ErrorClass.PROVIDER_NOT_CONFIGURED)
    unfit = no_fit(task.request, model)
    if unfit is not None:
        return failure_of(ErrorClass.CALLER_FAULT, unfit)
    if all(misfits(task.request, route, model.kind) for route in usable):
        return failure_of(ErrorClass.PROVIDER_NOT_CONFIGURED)
    return None


def _routes_left(task: Task, tries: Tries, model: ModelEntry | None, health: Health) -> list[Route]:
    """The routes that may still be tried, the best first."""
    if model is None or len(task.attempts) >= model.max_attempts:
        return []
    left = [
        route
        for _, route in ordered(model, task.id)
        if health.keys_of(route.provider)
        and not misfits(task.request, route, model.kind)
        and not tries.used_up(route.name, len(health.keys_of(route.provider)))
    ]
    return sorted(left, key=lambda route: tries.rank(route.name))


def _first_ready(
    left: list[Route], last: Attempt | None, health: Health, now: datetime, deadline: datetime
) -> Dispatch | Wait:
    """The best route that is ready, or how long until there is one."""
    grace = _grace(last, now)
    waits: list[Rest] = []
    for route in left:
        held = health.held(route, now)
        causes = [cause for cause in (held, grace) if cause is not None]
        if not causes:
            return Dispatch(route, probe=health.breakers.get(route.name, CLOSED).needs_probe(now))
        waits.append(max(causes, key=lambda cause: cause.until))
    shortest = min(waits, key=lambda wait: wait.until)
    return Wait(min(shortest.until, deadline), shortest.reason)


def _grace(last: Attempt | None, now: datetime) -> Rest | None:
    """An unclear hand-over keeps the task from every route for a moment."""
    if last is None or last.error_class is not ErrorClass.SUBMIT_AMBIGUOUS or last.ended_at is None:
        return None
    until = last.ended_at + AMBIGUITY_GRACE
    return Rest(until, last.error_class.value) if until > now else None


def _told_of(last: Attempt | None, revealed: Collection[str]) -> TaskFailure:
    """The last failure is the one the customer is told."""
    if last is None:
        return failure_of(None)
    return failure_of(last.error_class, last.error_message, revealed)


def upstream_model(task: Task, route: Route) -> str:
    """The upstream model that serves this task on this route."""
    return upstream_of(task.request, route)
