"""Handing a task over while its client may change its mind."""

from __future__ import annotations

import asyncio

import pytest

from services.worker.handover import hand_over
from services.worker.run import Run
from shared.providers.base import Accepted, Done, Failed, GenerationRequest
from shared.providers.errors import ErrorClass
from shared.tasks.lifecycle import State
from shared.waiting import cancel
from tests.unit.building import a_task, attempt
from tests.unit.worker.providers import JOB, Scripted, done

REQUEST = GenerationRequest("banana", "a hen in a hat")
REFUSAL = Failed(ErrorClass.POLICY_REFUSAL, "no hats")


def a_run() -> Run:
    return Run(a_task(State.SUBMITTING, attempts=(attempt(),)))


@pytest.mark.parametrize("answer", [Accepted(JOB), done(b"png"), REFUSAL])
async def test_the_providers_answer_is_given_on(answer: Accepted | Done | Failed) -> None:
    run, provider = a_run(), Scripted(submits=[answer])

    assert await hand_over(run, provider, REQUEST) == answer
    assert (provider.requests, run.left_behind) == ([REQUEST], 0)


async def test_a_hand_over_that_ends_soon_after_the_cancellation_tells_of_its_job() -> None:
    run, provider = a_run(), Scripted(holds_submits=True)
    handing = asyncio.create_task(hand_over(run, provider, REQUEST))
    await provider.called.wait()
    run.cancel()
    provider.let_go.set()

    assert await handing == Accepted(JOB)
    assert run.left_behind == 0


async def test_a_hand_over_that_takes_long_is_broken_off_and_leaves_a_job_that_nobody_can_name() -> None:
    run, provider = a_run(), Scripted(holds_submits=True)
    handing = asyncio.create_task(hand_over(run, provider, REQUEST, grace_seconds=0.01))
    await provider.called.wait()
    run.cancel()

    answer = await handing
    assert isinstance(answer, Failed)
    assert answer.error_class is ErrorClass.CANCELLED
    assert (run.left_behind, provider.broken_off) == (1, 1)


async def test_neither_a_hint_nor_the_end_of_the_process_breaks_a_hand_over_off() -> None:
    run, provider = a_run(), Scripted(holds_submits=True)
    handing = asyncio.create_task(hand_over(run, provider, REQUEST, grace_seconds=0))
    await provider.called.wait()
    run.hint()
    run.stop()
    await asyncio.sleep(0.05)
    assert not handing.done()

    provider.let_go.set()
    assert await handing == Accepted(JOB)


async def test_the_call_ends_with_the_run_that_makes_it() -> None:
    run, provider = a_run(), Scripted(holds_submits=True)
    handing = asyncio.create_task(hand_over(run, provider, REQUEST))
    await provider.called.wait()
    await cancel(handing)

    assert handing.cancelled()
    assert provider.broken_off == 1


async def test_an_adapter_that_breaks_is_heard_of() -> None:
    with pytest.raises(ZeroDivisionError):
        await hand_over(a_run(), Scripted(submits=[ZeroDivisionError()]), REQUEST)
