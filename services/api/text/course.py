"""One task on its way along its routes: decided, tried, learnt from, decided again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Generic

import structlog

from services.api.text.endings import not_in_time
from services.api.text.health import RouteNotes
from shared.catalog.model import Catalog
from shared.clock import Clock
from shared.keyring import KeyRing, P
from shared.providers.base import Failed, TokenUsage
from shared.providers.errors import ErrorClass
from shared.routing.decision import Dispatch, Reject, Wait, decide, failure_of, upstream_model
from shared.tasks.model import Attempt, Task, TaskFailure
from shared.telemetry import ATTEMPTS_FAILED

log = structlog.get_logger()

_SHORTEST_WAIT_SECONDS: Final = 0.001


@dataclass(frozen=True, slots=True)
class Step(Generic[P]):
    """An attempt that has begun, and the adapter that makes the call."""

    attempt: Attempt
    adapter: P


class Course(Generic[P]):
    """`task` grows by every attempt. The keys are those of this process: it makes the calls itself."""

    def __init__(
        self, task: Task, keys: KeyRing[P], health: RouteNotes, catalog: Catalog, clock: Clock
    ) -> None:
        self.task = task
        self.revealed = catalog.revealed
        self._model = catalog.models.get(task.model)
        self._keys = keys
        self._health = health
        self._clock = clock
        self._learnt_at: datetime | None = None

    async def next(self) -> Step[P] | TaskFailure:
        """Begin the next attempt, when there is a time for one; else why there is none."""
        while True:
            # What this task has learnt is part of what is decided on.
            shared = await self._health.snapshot(at_least=self._learnt_at)
            health, now = replace(shared, keys=self._keys.ids), self._clock.now()
            decision = decide(self.task, self._model, health, now, self.revealed)
            match decision:
                case Reject(failure):
                    return failure
                case Wait(until, reason):
                    if until >= self.task.deadline_at:
                        last = self.task.attempts[-1] if self.task.attempts else None
                        return not_in_time(last, reason, self.revealed)
                    log.info("task waits", task_id=self.task.id, until=until.isoformat(), reason=reason)
                    await asyncio.sleep(max(self.seconds_until(until), _SHORTEST_WAIT_SECONDS))
                case Dispatch(route, probe):
                    if probe and not await self._health.claim_probe(route.name):
                        continue
                    key = self._keys.choose(route.provider, route.name, health, now)
                    return self._begin(decision, key)

    def _begin(self, decision: Dispatch, key: str | None) -> Step[P] | TaskFailure:
        route, now = decision.route, self._clock.now()
        adapter = self._keys.adapter(route.provider, key)
        if adapter is None:
            return failure_of(ErrorClass.PROVIDER_NOT_CONFIGURED)
        attempt = Attempt(
            number=len(self.task.attempts) + 1,
            route=route.name,
            provider=route.provider,
            key_id=key,
            upstream_model=upstream_model(self.task, route),
            options=route.options,
            soft_deadline_at=min(now + timedelta(seconds=route.soft_deadline_seconds), self.task.deadline_at),
            dispatched_at=now,
        )
        self.task = self.task.model_copy(update={"attempts": (*self.task.attempts, attempt)})
        return Step(attempt, adapter)

    async def failed(self, failure: Failed) -> None:
        """The attempt is over without a whole answer."""
        now = self._clock.now()
        attempt = self.task.attempt
        log.info(
            "attempt failed",
            task_id=self.task.id,
            request_id=self.task.request_id,
            route=attempt.route,
            error_class=failure.error_class,
            reason=failure.message,
        )
        ATTEMPTS_FAILED.labels(attempt.provider, failure.error_class).inc()
        self._end(
            ended_at=now,
            error_class=failure.error_class,
            error_message=failure.message,
            retry_at=now + failure.retry_after if failure.retry_after is not None else None,
            **_told(failure.cost_nano),
        )
        await self._health.failed(self.task.id, attempt, failure)
        self._learnt_at = self._clock.now()

    async def worked(self, usage: TokenUsage | None) -> None:
        """The attempt has given a whole answer."""
        self._end(ended_at=self._clock.now(), **_told(usage.cost_nano if usage is not None else None))
        await self._health.works(self.task.attempt.route)

    def _end(self, **fields: Any) -> None:
        ended = self.task.attempt.model_copy(update=fields)
        self.task = self.task.model_copy(update={"attempts": (*self.task.attempts[:-1], ended)})

    def seconds_until(self, moment: datetime) -> float:
        """Negative when it has passed."""
        return (moment - self._clock.now()).total_seconds()

    def now(self) -> datetime:
        return self._clock.now()


def _told(cost_nano: int | None) -> dict[str, Any]:
    """What the provider says that the attempt costs."""
    return {} if cost_nano is None else {"cost_nano": cost_nano, "cost_source": "provider"}
