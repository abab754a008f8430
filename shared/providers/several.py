"""One job out of several calls, for providers that make one output per call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final, TypeVar

import structlog

from shared.providers.base import Accepted, Done, Failed, Output, ProviderJob, Running
from shared.providers.errors import ErrorClass

log = structlog.get_logger()

_MOST_TELLING: Final = (
    ErrorClass.POLICY_REFUSAL,
    ErrorClass.CALLER_FAULT,
    ErrorClass.SUBMIT_AMBIGUOUS,
)
"""Before all others: what ends the task for good, then what may have left a job behind."""

_T = TypeVar("_T")


async def submit_each(
    provider: str, count: int, submit_one: Callable[[], Awaitable[str | Failed]]
) -> Accepted | Failed:
    """`count` calls at once, each giving the id of its job; the whole goes on with those that were taken."""
    results = await asyncio.gather(*(submit_one() for _ in range(count)))
    failures = [result for result in results if isinstance(result, Failed)]
    if failures and len(failures) < len(results):
        log.warning(
            "submission accepted in part",
            provider=provider,
            accepted=len(results) - len(failures),
            asked=count,
            error_classes=sorted({failure.error_class.value for failure in failures}),
        )
    return joined(results)


async def poll_each(
    job: ProviderJob, poll_one: Callable[[str], Awaitable[Running | Done | Failed]]
) -> Running | Done | Failed:
    """Asks for every part once."""
    return merged(await _for_each(job, poll_one))


async def cancel_each(job: ProviderJob, cancel_one: Callable[[str], Awaitable[object]]) -> None:
    """Cancels every part."""
    await _for_each(job, cancel_one)


def joined(results: Sequence[str | Failed]) -> Accepted | Failed:
    """One job of the ids; without any, the most telling failure."""
    ids = tuple(result for result in results if isinstance(result, str))
    failures = [result for result in results if isinstance(result, Failed)]
    if not ids:
        return most_telling(failures)
    ambiguous = [failure for failure in failures if failure.error_class is ErrorClass.SUBMIT_AMBIGUOUS]
    return Accepted(ProviderJob(ids), unaccounted=len(ambiguous))


def merged(states: Sequence[Running | Done | Failed]) -> Running | Done | Failed:
    """One outcome of the parts: wait for all, then keep what came, with the sum of the known costs."""
    done = [state for state in states if isinstance(state, Done)]
    outputs: tuple[Output, ...] = tuple(output for state in done for output in state.outputs)
    running = [state for state in states if isinstance(state, Running)]
    if running:
        positions = [state.queue_position for state in running if state.queue_position is not None]
        note = next((state.note for state in running if state.note), None)
        return Running(max(positions, default=None), note, outputs, *_charged(states))
    cost_nano, metered = _charged(states)
    if outputs:
        return Done(outputs, cost_nano, metered=metered)
    failure = most_telling([state for state in states if isinstance(state, Failed)])
    return replace(failure, cost_nano=cost_nano, metered=metered)


def _charged(states: Sequence[Running | Done | Failed]) -> tuple[int | None, Decimal | None]:
    """The sums of the known costs and of what was counted, also of the parts that failed."""
    over = [state for state in states if not isinstance(state, Running)]
    costs = [state.cost_nano for state in over if state.cost_nano is not None]
    counted = [state.metered for state in over if state.metered is not None]
    return sum(costs) if costs else None, sum(counted, Decimal()) if counted else None


def most_telling(failures: Sequence[Failed]) -> Failed:
    """The one that says most about what to do next; of equals the first."""
    return min(failures, key=_rank)


def _rank(failure: Failed) -> int:
    ranked = failure.error_class in _MOST_TELLING
    return _MOST_TELLING.index(failure.error_class) if ranked else len(_MOST_TELLING)


async def _for_each(job: ProviderJob, call: Callable[[str], Awaitable[_T]]) -> list[_T]:
    return await asyncio.gather(*(call(part) for part in job.ids))
