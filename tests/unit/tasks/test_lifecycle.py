"""The table of moves, written down a second time and compared move by move."""

from __future__ import annotations

import itertools

import pytest

from shared.bus.events import EventType
from shared.tasks.lifecycle import FINAL, LIFECYCLE, ForbiddenMove, Role, State, check_move, consumed_by

ALLOWED = {
    (Role.ROUTER, "queued", "dispatched"),
    (Role.ROUTER, "queued", "rejected"),
    (Role.ROUTER, "attempt_failed", "dispatched"),
    (Role.ROUTER, "attempt_failed", "rejected"),
    (Role.ROUTER, "dispatched", "rejected"),
    (Role.ROUTER, "submitting", "rejected"),
    (Role.ROUTER, "running", "rejected"),
    (Role.WORKER, "dispatched", "submitting"),
    (Role.WORKER, "dispatched", "attempt_failed"),
    (Role.WORKER, "submitting", "running"),
    (Role.WORKER, "submitting", "attempt_failed"),
    (Role.WORKER, "submitting", "generated"),
    (Role.WORKER, "running", "running"),
    (Role.WORKER, "running", "attempt_failed"),
    (Role.WORKER, "running", "generated"),
    (Role.BILLING, "generated", "completed"),
    (Role.BILLING, "rejected", "failed"),
    (Role.BILLING, "rejected", "cancelled"),
}


@pytest.mark.parametrize("role", list(Role))
def test_exactly_the_moves_of_the_table_are_allowed(role: Role) -> None:
    allowed = set()
    for start, to in itertools.product(State, State):
        try:
            check_move(role, start, to)
        except ForbiddenMove:
            continue
        allowed.add((role, start.value, to.value))

    assert allowed == {move for move in ALLOWED if move[0] is role}


def test_a_forbidden_move_names_who_tried_what() -> None:
    with pytest.raises(ForbiddenMove, match="billing may not move a task from queued to completed"):
        check_move(Role.BILLING, State.QUEUED, State.COMPLETED)


@pytest.mark.parametrize("state", sorted(FINAL))
def test_nobody_leads_a_task_out_of_a_final_state(state: State) -> None:
    assert not any(state in rule.reached_from for rule in LIFECYCLE.values())


def test_final_are_the_three_states_that_billing_makes() -> None:
    assert {state for state, rule in LIFECYCLE.items() if rule.moved_by is Role.BILLING} == FINAL


@pytest.mark.parametrize(
    ("state", "event"),
    [
        ("queued", EventType.TASK_QUEUED),
        ("dispatched", EventType.ATTEMPT_DISPATCHED),
        ("submitting", None),
        ("running", None),
        ("attempt_failed", EventType.ATTEMPT_FAILED),
        ("generated", EventType.TASK_GENERATED),
        ("rejected", EventType.TASK_REJECTED),
        ("completed", EventType.TASK_COMPLETED),
        ("failed", EventType.TASK_FAILED),
        ("cancelled", EventType.TASK_CANCELLED),
    ],
)
def test_each_state_is_announced_by_its_own_event(state: str, event: EventType | None) -> None:
    assert LIFECYCLE[State(state)].announced_by is event


@pytest.mark.parametrize(
    ("role", "states"),
    [
        (Role.API, set()),
        (Role.ROUTER, {"queued", "attempt_failed"}),
        (Role.WORKER, {"dispatched", "submitting", "running"}),
        (Role.BILLING, {"generated", "rejected"}),
        (Role.NOTIFIER, {"completed", "failed", "cancelled"}),
    ],
)
def test_each_service_has_its_own_states_to_look_after(role: Role, states: set[str]) -> None:
    assert consumed_by(role) == {State(state) for state in states}


def test_no_state_waits_for_two_services_and_each_waits_for_one() -> None:
    assert sum(len(consumed_by(role)) for role in Role) == len(State)
