"""What wakes a run, and what it remembers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.worker.run import Phase, Run
from shared.tasks.lifecycle import State
from shared.waiting import cancel
from tests.unit.building import NOON, a_task, attempt

LONG = 3600.0


def a_run(state: State = State.RUNNING, **fields: Any) -> Run:
    return Run(a_task(state, attempts=(attempt(),), **fields))


async def still_waits(waiting: asyncio.Task[None]) -> bool:
    for _ in range(20):
        await asyncio.sleep(0)
    return not waiting.done()


@pytest.mark.parametrize(
    ("state", "phase"), [(State.SUBMITTING, Phase.SUBMITTING), (State.RUNNING, Phase.POLLING)]
)
def test_a_run_begins_where_its_task_stands(state: State, phase: Phase) -> None:
    assert a_run(state).phase is phase


def test_a_task_that_was_cancelled_before_is_cancelled() -> None:
    assert a_run(cancel_requested_at=NOON).cancelled
    assert not a_run().cancelled


async def test_a_pause_without_news_lasts_its_time() -> None:
    run = a_run()
    await run.pause(0.001)

    assert (run.stopping, run.cancelled) == (False, False)


@pytest.mark.parametrize("news", ["stop", "cancel", "hint"])
async def test_news_end_a_pause(news: str) -> None:
    run = a_run()
    pausing = asyncio.create_task(run.pause(LONG))
    assert await still_waits(pausing)

    getattr(run, news)()
    await pausing


@pytest.mark.parametrize("news", ["stop", "cancel", "hint"])
async def test_news_that_came_before_a_pause_end_it_at_once(news: str) -> None:
    run = a_run()
    getattr(run, news)()

    await run.pause(LONG)


async def test_a_hint_ends_one_pause_only() -> None:
    run = a_run()
    run.hint()
    run.hint()
    await run.pause(LONG)

    pausing = asyncio.create_task(run.pause(LONG))
    assert await still_waits(pausing)
    await cancel(pausing)


@pytest.mark.parametrize("news", ["stop", "cancel"])
async def test_an_end_ends_all_pauses_whatever_is_hinted(news: str) -> None:
    run = a_run()
    getattr(run, news)()
    for _ in range(3):
        run.hint()
        await run.pause(LONG)


async def test_only_a_cancellation_ends_the_wait_for_one() -> None:
    run = a_run(State.SUBMITTING)
    waiting = asyncio.create_task(run.until_cancelled())
    run.hint()
    assert await still_waits(waiting)

    run.cancel()
    await waiting


async def test_a_worker_that_stops_has_not_been_cancelled_by_the_client() -> None:
    run = a_run(State.SUBMITTING)
    waiting = asyncio.create_task(run.until_cancelled())
    run.stop()

    assert await still_waits(waiting)
    assert not run.cancelled
    await cancel(waiting)


async def test_a_wait_for_what_has_happened_is_none() -> None:
    run = a_run(State.SUBMITTING)
    run.cancel()

    await run.until_cancelled()
