"""What the router does: find the next route of a task, make it wait, or give it up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from services.router.health import RouteHealth
from shared.catalog.model import Catalog, Route
from shared.clock import Clock
from shared.killpoints import KillPoints
from shared.providers.errors import ErrorClass
from shared.routing.decision import Dispatch, Reject, Wait, decide, failure_of, upstream_model
from shared.tasks.intake import Routes
from shared.tasks.lifecycle import State
from shared.tasks.model import Attempt, Task, TaskFailure
from shared.tasks.service import TaskTools
from shared.tasks.store import Move

log = structlog.get_logger()

DISPATCH_WAKE = timedelta(seconds=5)
"""A dispatch that no worker has claimed by then is looked at again."""
REJECT_WAKE = timedelta(seconds=5)


class RouterHandlers:
    """Decisions for tasks that are queued or whose attempt failed."""

    def __init__(
        self, tools: TaskTools, catalog: Catalog, health: RouteHealth, clock: Clock, killpoints: KillPoints
    ) -> None:
        self._tools = tools
        self._catalog = catalog
        self._health = health
        self._clock = clock
        self._killpoints = killpoints

    def routes(self) -> Routes:
        return {State.QUEUED: self.route, State.ATTEMPT_FAILED: self.reroute}

    async def reroute(self, tasks: Sequence[Task]) -> None:
        """Learn from the failed attempts, then route as ever."""
        await self._health.learn([task.attempt for task in tasks])
        await self.route(tasks)

    async def route(self, tasks: Sequence[Task]) -> None:
        """Dispatch, put off or reject each task."""
        cooled_until, now = await self._health.cooled_until(), self._clock.now()
        moves = []
        for task in tasks:
            step = self._step(task, cooled_until, now)
            if isinstance(step, Wait):
                log.info("task waits for a route", task_id=task.id, until=step.until.isoformat())
                await self._tools.store.wait(task, step.until)
            else:
                moves.append(step)
        self._killpoints.reach("router.before_move")
        await self._tools.mover.move(moves)

    def _step(self, task: Task, cooled_until: Mapping[str, datetime], now: datetime) -> Move | Wait:
        model = self._catalog.models.get(task.model)
        decision = decide(task, model.chain if model else (), cooled_until, now)
        if isinstance(decision, Wait):
            return decision
        if isinstance(decision, Reject):
            return rejection(task, decision.failure)
        return dispatch(task, decision, now)


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
        push={"attempts": attempt.model_dump(exclude_none=True)},
        provider=route.provider,
    )


def rejection(task: Task, failure: TaskFailure) -> Move:
    """The move that gives a task up."""
    log.info("task rejected", task_id=task.id, request_id=task.request_id, error_class=failure.error_class)
    return Move(task, State.REJECTED, REJECT_WAKE, set={"failure": failure.model_dump()})


def overdue(task: Task) -> Move:
    """The move for a task that no worker has ended by its deadline."""
    return rejection(task, failure_of(ErrorClass.DEADLINE))
