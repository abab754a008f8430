"""Fetching a provider's file: which answers are worth another try and which are final."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import aiohttp
import structlog

from shared.errors import HatcheryError
from shared.files import StorageUnavailable
from shared.http import ResponseTooLarge, UnsafeAddress
from shared.tasks.model import Task

log = structlog.get_logger()

T = TypeVar("T")

FETCH_TRIES = 3


class UnusableOutput(HatcheryError):
    """The provider delivered something that cannot be used."""


def check_status(response: aiohttp.ClientResponse) -> None:
    """Raises UnusableOutput for a file that is not there, and aiohttp's error for any other bad status."""
    if response.status in {404, 410} or 300 <= response.status < 400:
        raise UnusableOutput(f"the provider's file answers {response.status}")
    response.raise_for_status()


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How long fetching one file may take, with all tries."""

    image: timedelta = timedelta(seconds=60)
    video: timedelta = timedelta(minutes=10)


async def fetched(task: Task, within: timedelta, fetch: Callable[[], Awaitable[T]]) -> T | None:
    """What `fetch` gives, within a few tries; None when it cannot be had. Raises StorageUnavailable.

    A file that drips in is one that cannot be had: other routes are quicker.
    """
    try:
        async with asyncio.timeout(within.total_seconds()):
            return await _fetched(task, fetch)
    except TimeoutError:
        log.warning("output not fetched", task_id=task.id, reason="too slow")
        return None


async def _fetched(task: Task, fetch: Callable[[], Awaitable[T]]) -> T | None:
    for number in range(1, FETCH_TRIES + 1):
        try:
            return await fetch()
        except StorageUnavailable:
            raise
        except (UnsafeAddress, UnusableOutput, ResponseTooLarge) as error:
            log.warning("output refused", task_id=task.id, reason=error.message)
            return None
        except (aiohttp.ClientError, HatcheryError, OSError) as error:
            log.warning("output not fetched", task_id=task.id, tried=number, reason=type(error).__name__)
        await asyncio.sleep(0.2 * number)
    return None
