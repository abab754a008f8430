"""The life of a task: its states, who may make each move, and which event tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from shared.bus.events import EventType
from shared.errors import HatcheryError


class Role(StrEnum):
    """The five services."""

    API = "api"
    ROUTER = "router"
    WORKER = "worker"
    BILLING = "billing"
    NOTIFIER = "notifier"


class State(StrEnum):
    """Where a task stands."""

    QUEUED = "queued"
    DISPATCHED = "dispatched"
    SUBMITTING = "submitting"
    RUNNING = "running"
    ATTEMPT_FAILED = "attempt_failed"
    GENERATED = "generated"
    REJECTED = "rejected"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Rule:
    """Who brings a task into a state and who looks at it there."""

    moved_by: Role
    consumed_by: Role | None
    announced_by: EventType | None
    reached_from: frozenset[State] = frozenset()


def _from(*states: State) -> frozenset[State]:
    return frozenset(states)


LIFECYCLE: Mapping[State, Rule] = MappingProxyType(
    {
        State.QUEUED: Rule(Role.API, Role.ROUTER, EventType.TASK_QUEUED),
        State.DISPATCHED: Rule(
            Role.ROUTER, Role.WORKER, EventType.ATTEMPT_DISPATCHED, _from(State.QUEUED, State.ATTEMPT_FAILED)
        ),
        State.SUBMITTING: Rule(Role.WORKER, Role.WORKER, None, _from(State.DISPATCHED)),
        State.RUNNING: Rule(Role.WORKER, Role.WORKER, None, _from(State.SUBMITTING, State.RUNNING)),
        State.ATTEMPT_FAILED: Rule(
            Role.WORKER,
            Role.ROUTER,
            EventType.ATTEMPT_FAILED,
            _from(State.DISPATCHED, State.SUBMITTING, State.RUNNING),
        ),
        State.GENERATED: Rule(
            Role.WORKER, Role.BILLING, EventType.TASK_GENERATED, _from(State.SUBMITTING, State.RUNNING)
        ),
        State.REJECTED: Rule(
            Role.ROUTER,
            Role.BILLING,
            EventType.TASK_REJECTED,
            # The last three only past the deadline, when no worker has ended the attempt.
            _from(State.QUEUED, State.ATTEMPT_FAILED, State.DISPATCHED, State.SUBMITTING, State.RUNNING),
        ),
        State.COMPLETED: Rule(Role.BILLING, Role.NOTIFIER, EventType.TASK_COMPLETED, _from(State.GENERATED)),
        State.FAILED: Rule(Role.BILLING, Role.NOTIFIER, EventType.TASK_FAILED, _from(State.REJECTED)),
        State.CANCELLED: Rule(Role.BILLING, Role.NOTIFIER, EventType.TASK_CANCELLED, _from(State.REJECTED)),
    }
)

FINAL = frozenset({State.COMPLETED, State.FAILED, State.CANCELLED})


class ForbiddenMove(HatcheryError):
    """A service tried a move that is not its own."""


def check_move(role: Role, start: State, to: State) -> None:
    """Raises ForbiddenMove unless the table gives this move to this service."""
    rule = LIFECYCLE[to]
    if rule.moved_by is not role or start not in rule.reached_from:
        raise ForbiddenMove(f"{role} may not move a task from {start} to {to}")


def consumed_by(role: Role) -> frozenset[State]:
    """The states whose tasks wait for this service."""
    return frozenset(state for state, rule in LIFECYCLE.items() if rule.consumed_by is role)
