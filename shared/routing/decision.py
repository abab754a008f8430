"""Which route a task takes next. Pure: everything the decision rests on is an argument."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.catalog.model import Route
from shared.providers.errors import FINAL_FOR_THE_TASK, ErrorClass
from shared.tasks.model import Attempt, Task, TaskFailure

AMBIGUITY_GRACE = timedelta(seconds=2)
"""After a hand-over whose outcome is unknown, before the task is tried once more."""

TRIES_PER_ROUTE: Mapping[ErrorClass, int] = {
    ErrorClass.RATE_LIMIT: 5,
    ErrorClass.NO_OUTPUT: 2,
    ErrorClass.SUBMIT_AMBIGUOUS: 2,
}
"""How often one route may be tried when its attempts end so; once for every other class."""

MESSAGES: Mapping[ErrorClass, str] = {
    ErrorClass.DEADLINE: "Task timed out",
    ErrorClass.CANCELLED: "Task was cancelled",
    ErrorClass.NO_OUTPUT: "The model produced no output for this request",
}
NO_ROUTE_MESSAGE = "Generation failed on every available provider"


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Give the task to this route."""

    route: Route


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before this time."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Reject:
    """End the task without output."""

    failure: TaskFailure


Decision = Dispatch | Wait | Reject


def decide(
    task: Task, chain: Sequence[Route], cooled_until: Mapping[str, datetime], now: datetime
) -> Decision:
    """The next step of a task that is queued or whose attempt failed."""
    last = task.attempts[-1] if task.attempts else None
    if last is not None and last.error_class in FINAL_FOR_THE_TASK:
        return Reject(failure_of(last.error_class, last.error_message))
    if now >= task.deadline_at:
        return Reject(failure_of(ErrorClass.DEADLINE))
    left = _routes_left(task.attempts, chain)
    if not left:
        return Reject(failure_of(last.error_class if last else None))
    ready_at = {route.name: _ready_at(route, last, cooled_until, now) for route in left}
    route = min(left, key=lambda route: ready_at[route.name])
    if ready_at[route.name] > now:
        return Wait(min(ready_at[route.name], task.deadline_at))
    return Dispatch(route)


def _routes_left(attempts: Sequence[Attempt], chain: Sequence[Route]) -> list[Route]:
    """The routes that may still be tried: one that owes a retry at once, then untried ones, then others."""
    tries = Counter(attempt.route for attempt in attempts)
    last_class = {attempt.route: attempt.error_class for attempt in attempts}
    left = [route for route in chain if tries[route.name] < _tries_allowed(last_class.get(route.name))]

    def rank(route: Route) -> int:
        if tries[route.name] == 0:
            return 1
        return 0 if last_class[route.name] is ErrorClass.NO_OUTPUT else 2

    return sorted(left, key=rank)


def _tries_allowed(error_class: ErrorClass | None) -> int:
    return TRIES_PER_ROUTE.get(error_class, 1) if error_class else 1


def _ready_at(
    route: Route, last: Attempt | None, cooled_until: Mapping[str, datetime], now: datetime
) -> datetime:
    """When the route may be used; `now` for each that is ready, so that the order of the chain decides."""
    ready = cooled_until.get(route.name, now)
    if last is not None and last.error_class is ErrorClass.SUBMIT_AMBIGUOUS and last.ended_at is not None:
        ready = max(ready, last.ended_at + AMBIGUITY_GRACE)
    if last is not None and last.route == route.name and last.retry_at is not None:
        ready = max(ready, last.retry_at)
    return max(ready, now)


def failure_of(error_class: ErrorClass | None, message: str | None = None) -> TaskFailure:
    """What the customer is told; a provider's own words only where the request was at fault."""
    if error_class is ErrorClass.POLICY_REFUSAL:
        return TaskFailure(error_class=error_class, message=f"Content moderation: {message or 'refused'}")
    if error_class is ErrorClass.CALLER_FAULT:
        return TaskFailure(error_class=error_class, message=f"Invalid request: {message or 'refused'}")
    known = error_class or ErrorClass.UNKNOWN
    return TaskFailure(error_class=known, message=MESSAGES.get(known, NO_ROUTE_MESSAGE))


def upstream_model(task: Task, route: Route) -> str:
    """The upstream model that serves this task on this route."""
    return route.edit or route.generate if task.request.image_urls else route.generate
