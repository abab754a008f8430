"""What the worker writes with each of its moves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.worker import moves
from shared.provider_costs import ProviderCost
from shared.providers.base import Failed, ProviderJob
from shared.providers.errors import ErrorClass
from shared.tasks.lifecycle import Role, State, check_move
from shared.tasks.model import OutputFile
from shared.tasks.store import Move
from tests.unit.building import NOON, a_task, attempt, output

LEASE = timedelta(seconds=30)
JOB = ProviderJob(("job_1",), {"status": "https://queue.example/1"})
FIRST = attempt()
SECOND = (attempt(error_class=ErrorClass.TRANSIENT), attempt("replicate:banana", number=2))


def test_a_claim_records_who_is_about_to_call() -> None:
    move = moves.claim(a_task(State.DISPATCHED, attempts=(FIRST,)), "own_1", "fal-1", LEASE, NOON)

    assert (move.to, move.wake_in, move.set["owner"]) == (State.SUBMITTING, LEASE, "own_1")
    assert move.set["attempts.0.key_id"] == "fal-1"


def test_an_attempt_has_its_whole_time_however_long_it_waited_for_a_worker() -> None:
    task = a_task(State.DISPATCHED, attempts=(FIRST,))
    allowed = FIRST.soft_deadline_at - FIRST.dispatched_at
    late = FIRST.soft_deadline_at + timedelta(minutes=1)

    claimed = moves.as_moved(moves.claim(task, "own_1", "fal-1", LEASE, late))

    assert claimed.attempt.soft_deadline_at == min(late + allowed, task.deadline_at)
    assert (claimed.state, claimed.version, claimed.owner) == (State.SUBMITTING, task.version + 1, "own_1")


def test_a_take_over_stays_running_under_a_new_owner() -> None:
    move = moves.take_over(a_task(State.RUNNING, attempts=(FIRST,)), "own_2", LEASE)

    assert (move.to, move.wake_in, dict(move.set)) == (State.RUNNING, LEASE, {"owner": "own_2"})


def test_an_accepted_job_is_recorded_with_its_attempt() -> None:
    move = moves.running(a_task(State.SUBMITTING, attempts=SECOND), JOB, NOON, LEASE)

    assert move.to is State.RUNNING
    assert dict(move.set) == {
        "attempts.1.provider_job": {"ids": ["job_1"], "urls": {"status": "https://queue.example/1"}},
        "attempts.1.submitted_at": NOON,
        "started_at": NOON,
    }


def test_a_later_attempt_does_not_change_when_the_task_started() -> None:
    task = a_task(State.SUBMITTING, attempts=SECOND, started_at=NOON - timedelta(minutes=1))
    later = [
        moves.running(task, JOB, NOON, LEASE),
        moves.failed(task, Failed(ErrorClass.TRANSIENT, "no"), NOON),
        moves.generated(task, [], None, NOON),
    ]

    assert not any("started_at" in move.set for move in later)


@pytest.mark.parametrize(
    ("failure", "facts"),
    [
        (Failed(ErrorClass.TRANSIENT, "502"), {}),
        (
            Failed(ErrorClass.RATE_LIMIT, "slow down", timedelta(seconds=9)),
            {"retry_at": NOON + timedelta(seconds=9)},
        ),
        (Failed(ErrorClass.SUBMIT_AMBIGUOUS, "no answer"), {}),
    ],
)
def test_a_failed_attempt_keeps_its_class_its_words_and_what_follows(
    failure: Failed, facts: dict[str, object]
) -> None:
    move = moves.failed(a_task(State.RUNNING, attempts=SECOND), failure, NOON)
    expected = {
        "error_class": failure.error_class.value,
        "error_message": failure.message,
        "ended_at": NOON,
        **facts,
    }

    assert move.to is State.ATTEMPT_FAILED
    assert dict(move.set) == {f"attempts.1.{name}": value for name, value in expected.items()} | {
        "owner": None,
        "started_at": NOON,
    }


def test_an_interrupted_hand_over_is_a_suspected_orphan() -> None:
    move = moves.failed(a_task(State.SUBMITTING, attempts=(FIRST,)), moves.interrupted(), NOON, left_behind=1)

    assert move.set["attempts.0.orphan_suspect"] is True
    assert move.set["attempts.0.error_class"] == "submit_ambiguous"


@pytest.mark.parametrize("cost", [None, ProviderCost(0, "provider"), ProviderCost(39_000_000, "catalog")])
def test_generated_files_are_recorded_with_what_they_cost_us(cost: ProviderCost | None) -> None:
    task = a_task(State.RUNNING, attempts=SECOND)
    files = [OutputFile.model_validate(output(task.id, number)) for number in range(2)]
    move = moves.generated(task, files, cost, NOON)

    assert move.to is State.GENERATED
    assert move.set["outputs"] == [output(task.id, 0), output(task.id, 1)]
    assert move.set["owner"] is None
    recorded = {name: value for name, value in move.set.items() if "cost" in name}
    expected = {"attempts.1.cost_nano": cost.nano, "attempts.1.cost_source": cost.source} if cost else {}
    assert recorded == expected
    assert move.set["attempts.1.ended_at"] == NOON


@pytest.mark.parametrize(
    "move",
    [
        moves.claim(a_task(State.DISPATCHED, attempts=(FIRST,)), "own_1", "fal-1", LEASE, NOON),
        moves.take_over(a_task(State.RUNNING, attempts=(FIRST,)), "own_1", LEASE),
        moves.running(a_task(State.SUBMITTING, attempts=(FIRST,)), JOB, NOON, LEASE),
        moves.failed(a_task(State.SUBMITTING, attempts=(FIRST,)), moves.interrupted(), NOON),
        moves.failed(a_task(State.RUNNING, attempts=(FIRST,)), moves.interrupted(), NOON),
        moves.generated(a_task(State.SUBMITTING, attempts=(FIRST,)), [], None, NOON),
        moves.generated(a_task(State.RUNNING, attempts=(FIRST,)), [], None, NOON),
    ],
    ids=lambda move: f"{move.task.state} to {move.to}",
)
def test_each_is_a_move_that_a_worker_may_make_and_somebody_looks_again(move: Move) -> None:
    check_move(Role.WORKER, move.task.state, move.to)

    assert move.wake_in is not None


def test_a_job_that_nobody_will_collect_is_marked() -> None:
    failure = Failed(ErrorClass.SUBMIT_AMBIGUOUS, "no answer")
    move = moves.failed(a_task(State.SUBMITTING, attempts=SECOND), failure, NOON, left_behind=1)

    assert move.set["attempts.1.orphan_suspect"] is True


@pytest.mark.parametrize(
    ("told", "after_deadline", "ours"),
    [
        (ErrorClass.CANCELLED, False, ErrorClass.TRANSIENT),
        (ErrorClass.CANCELLED, True, ErrorClass.TRANSIENT),
        (ErrorClass.DEADLINE, False, ErrorClass.TRANSIENT),
        (ErrorClass.DEADLINE, True, ErrorClass.DEADLINE),
        (ErrorClass.POLICY_REFUSAL, False, ErrorClass.POLICY_REFUSAL),
        (ErrorClass.QUOTA, True, ErrorClass.QUOTA),
    ],
)
def test_a_providers_own_cancellation_or_time_limit_leaves_the_task_alive(
    told: ErrorClass, after_deadline: bool, ours: ErrorClass
) -> None:
    task = a_task(State.RUNNING, attempts=SECOND)
    now = task.deadline_at + timedelta(seconds=1 if after_deadline else -1)

    assert moves.as_ours(Failed(told, "words"), task, False, now) == Failed(ours, "words")
