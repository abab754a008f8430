"""What the router does: find the next route of a task, make it wait, or give it up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from shared.catalog.model import Catalog, Route
from shared.clock import Clock
from shared.killpoints import KillPoints
from shared.providers.errors import ErrorClass
from shared.route_health import RouteHealth
from shared.routing.decision import Decision, Dispatch, Reject, Wait, decide, upstream_model
from shared.routing.failures import failure_of
from shared.tasks.intake import Routes
from shared.tasks.lifecycle import State
from shared.tasks.model import Attempt, Task, TaskFailure, Waiting
from shared.tasks.service import TaskTools
from shared.tasks.store import Move

log = structlog.get_logger()

DISPATCH_WAKE = timedelta(seconds=5)
"""A dispatch that no worker has claimed by then is looked at again."""
REJECT_WAKE = timedelta(seconds=5)
LOOK_AGAIN = timedelta(seconds=30)
"""A task that waits longer is looked at in between: what it waits for may come earlier."""
NO_WORKER_WAIT = timedelta(seconds=1)
"""Which providers have keys is known once a worker has said so."""


class RouterHandlers:
    """Decisions for tasks that are queued, whose attempt failed, or that are cancelled before it began."""

    def __init__(
        self, tools: TaskTools, catalog: Catalog, health: RouteHealth, clock: Clock, killpoints: KillPoints
    ) -> None:
        self._tools = tools
        self._catalog = catalog
        self._revealed = catalog.revealed
        self._health = health
        self._clock = clock
        self._killpoints = killpoints

    def routes(self) -> Routes:
        return {
            State.QUEUED: self.route,
            State.ATTEMPT_FAILED: self.route,
            State.DISPATCHED: self.stop_dispatched,
        }

    async def route(self, tasks: Sequence[Task]) -> None:
        """Dispatch, put off or reject each task."""
        # What made an attempt fail is known by the time it has ended.
        ends = [task.attempt.ended_at for task in tasks if task.attempts and task.attempt.ended_at]
        await self._health.snapshot(at_least=max(ends, default=None))
        moves: list[Move] = []
        waits: list[tuple[Task, Waiting]] = []
        for task in tasks:
            decision = await self._decide(task)
            match decision:
                case Dispatch():
                    moves.append(dispatch(task, decision, self._clock.now()))
                case Wait(until, reason):
                    log.info("task waits", task_id=task.id, until=until.isoformat(), reason=reason)
                    waits.append((task, Waiting(until=until, reason=reason)))
                case Reject(failure):
                    moves.append(rejection(task, failure))
        self._killpoints.reach("router.before_move")
        await self._tools.store.wait(waits, LOOK_AGAIN)
        await self._tools.mover.move(moves)

    async def _decide(self, task: Task) -> Decision:
        """The decision; whoever is to probe a route has won the right to."""
        while True:
            health = await self._health.snapshot()
            model = self._catalog.models.get(task.model)
            decision = decide(task, model, health, self._clock.now(), self._revealed)
            if not health.keys and _for_want_of_keys(decision):
                return Wait(self._clock.now() + NO_WORKER_WAIT, "no worker has come up yet")
            if not isinstance(decision, Dispatch) or not decision.probe:
                return decision
            if await self._health.claim_probe(decision.route.name):
                return decision

    async def stop_dispatched(self, tasks: Sequence[Task]) -> None:
        """Take cancelled tasks back from the workers' queue; remind the workers of the others."""
        cancelled = [task for task in tasks if task.cancel_requested_at is not None]
        failure = failure_of(ErrorClass.CANCELLED)
        await self._tools.mover.move([rejection(task, failure) for task in cancelled])
        await self._tools.mover.announce_again([task for task in tasks if task.cancel_requested_at is None])


def _for_want_of_keys(decision: Decision) -> bool:
    return isinstance(decision, Reject) and decision.failure.error_class is ErrorClass.PROVIDER_NOT_CONFIGURED


def dispatch(task: Task, decision: Dispatch, now: datetime) -> Move:
    """The move that opens the next attempt."""
    route: Route = decision.route
    attempt = Attempt(
        number=len(task.attempts) + 1,
        route=route.name,
        provider=route.provider,
        upstream_model=upstream_model(task, route),
        options=route.options,
        soft_deadline_at=min(now + timedelta(seconds=route.soft_deadline_seconds), task.deadline_at),
        dispatched_at=now,
    )
    return Move(
        task,
        State.DISPATCHED,
        DISPATCH_WAKE,
        set={"provider": route.provider, "waiting": None},
        push={"attempts": attempt.model_dump(exclude_none=True, exclude_defaults=True)},
        provider=route.provider,
    )


def rejection(task: Task, failure: TaskFailure) -> Move:
    """The move that gives a task up."""
    log.info("task rejected", task_id=task.id, request_id=task.request_id, error_class=failure.error_class)
    return Move(task, State.REJECTED, REJECT_WAKE, set={"failure": failure.model_dump(), "waiting": None})


def overdue(task: Task) -> Move:
    """The move for a task that no worker has ended by its deadline."""
    return rejection(task, failure_of(ErrorClass.DEADLINE))
