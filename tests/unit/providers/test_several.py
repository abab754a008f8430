from __future__ import annotations

import asyncio

import pytest

from shared.providers.base import Accepted, Done, Failed, Output, ProviderJob, Running
from shared.providers.errors import ErrorClass
from shared.providers.several import cancel_each, joined, merged, poll_each, submit_each

ONE, TWO = Done((Output("https://f/1"),)), Done((Output("https://f/2"),))
REFUSED = Failed(ErrorClass.POLICY_REFUSAL, "no")
INVALID = Failed(ErrorClass.CALLER_FAULT, "too long")
BROKEN = Failed(ErrorClass.TRANSIENT, "boom")
AMBIGUOUS = Failed(ErrorClass.SUBMIT_AMBIGUOUS, "lost")
NO_CREDIT = Failed(ErrorClass.QUOTA, "no credit")


def test_the_outputs_of_the_parts_are_delivered_together() -> None:
    assert merged([ONE, TWO]) == Done((Output("https://f/1"), Output("https://f/2")))


def test_parts_that_failed_do_not_keep_the_others_from_being_delivered() -> None:
    assert merged([ONE, REFUSED]) == ONE
    assert merged([BROKEN, TWO]) == TWO


def test_what_is_ready_is_told_while_others_still_run() -> None:
    assert merged([ONE, Running(), TWO]) == Running(ready=ONE.outputs + TWO.outputs)


def test_the_note_that_says_something_and_the_last_place_in_the_queue_are_told() -> None:
    states = [Running(2), ONE, Running(5, "the record request was answered 500"), Running(note="later")]
    assert merged(states) == Running(5, "the record request was answered 500", ONE.outputs)


def test_known_costs_are_added_up() -> None:
    priced = [Done(ONE.outputs, 20_000_000), Done(TWO.outputs, 5_000_000), BROKEN]
    assert merged(priced) == Done(ONE.outputs + TWO.outputs, 25_000_000)
    assert merged([Done(ONE.outputs, 0), TWO]) == Done(ONE.outputs + TWO.outputs, 0)


@pytest.mark.parametrize(
    ("failures", "expected"),
    [
        ([REFUSED, BROKEN], REFUSED),
        ([BROKEN, REFUSED], REFUSED),
        ([BROKEN, INVALID], INVALID),
        ([INVALID, REFUSED], REFUSED),
        ([NO_CREDIT, BROKEN], NO_CREDIT),
        ([BROKEN, NO_CREDIT], BROKEN),
    ],
)
def test_of_failures_a_refusal_or_a_fault_of_the_caller_is_told_first(
    failures: list[Failed], expected: Failed
) -> None:
    assert merged(failures) == joined(failures) == expected


def test_a_job_that_may_run_is_not_hidden_by_a_failure_that_left_none() -> None:
    assert joined([NO_CREDIT, AMBIGUOUS]) == AMBIGUOUS


def test_calls_of_unknown_outcome_are_counted() -> None:
    assert joined(["a", AMBIGUOUS, BROKEN, AMBIGUOUS, "b"]) == Accepted(
        ProviderJob(("a", "b")), unaccounted=2
    )
    assert joined(["a", BROKEN]) == Accepted(ProviderJob(("a",)))


async def test_all_calls_are_under_way_at_once() -> None:
    together = asyncio.Barrier(3)

    async def submit_one() -> str:
        return f"job-{await together.wait()}"

    accepted = await submit_each("kie", 3, submit_one)
    assert isinstance(accepted, Accepted)
    assert sorted(accepted.job.ids) == ["job-0", "job-1", "job-2"]


async def test_every_part_is_asked_for_and_cancelled() -> None:
    job, cancelled = ProviderJob(("1", "2")), []

    async def poll_one(part: str) -> Done:
        return Done((Output(f"https://f/{part}"),))

    async def cancel_one(part: str) -> None:
        cancelled.append(part)

    assert await poll_each(job, poll_one) == merged([ONE, TWO])
    await cancel_each(job, cancel_one)
    assert sorted(cancelled) == ["1", "2"]
