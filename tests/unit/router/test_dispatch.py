"""The moves that the router makes of its decisions."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.router.handlers import dispatch, overdue, rejection
from shared.catalog.model import Route
from shared.providers.errors import ErrorClass
from shared.routing.decision import Dispatch
from shared.routing.failures import failure_of
from shared.tasks.lifecycle import Role, State, check_move
from tests.unit.building import NOON, a_task, attempt

ROUTE = Route(
    provider="fal", generate="banana", edit="banana/edit", options={"safety": 2}, soft_deadline_seconds=60
)


def test_a_dispatch_opens_the_next_attempt_and_names_the_workers_to_tell() -> None:
    task = a_task(State.ATTEMPT_FAILED, attempts=(attempt("kie:x", ErrorClass.TRANSIENT),))
    move = dispatch(task, Dispatch(ROUTE), NOON)

    check_move(Role.ROUTER, task.state, move.to)
    assert move.to is State.DISPATCHED
    assert move.provider == "fal"
    assert move.push["attempts"] == {
        "number": 2,
        "route": "fal:banana",
        "provider": "fal",
        "upstream_model": "banana",
        "options": {"safety": 2},
        "dispatched_at": NOON,
        "soft_deadline_at": NOON + timedelta(seconds=60),
    }


def test_an_attempt_never_outlives_its_task() -> None:
    task = a_task(deadline_at=NOON + timedelta(seconds=20))

    assert dispatch(task, Dispatch(ROUTE), NOON).push["attempts"]["soft_deadline_at"] == task.deadline_at


def test_a_rejection_keeps_the_reason_for_the_customer() -> None:
    move = rejection(a_task(), failure_of(ErrorClass.POLICY_REFUSAL, "nudity"))

    assert move.to is State.REJECTED
    assert move.set["failure"] == {"error_class": "policy_refusal", "message": "Content moderation: nudity"}


@pytest.mark.parametrize("state", [State.DISPATCHED, State.SUBMITTING, State.RUNNING])
def test_what_workers_left_lying_is_rejected_for_its_deadline(state: State) -> None:
    move = overdue(a_task(state, attempts=(attempt(),)))

    check_move(Role.ROUTER, state, move.to)
    assert move.set["failure"]["error_class"] is ErrorClass.DEADLINE
    assert move.set["failure"]["message"] == "Task timed out"
