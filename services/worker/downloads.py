"""Fetching a provider's file: which answers are worth another try and which are final."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
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


async def fetched(task: Task, fetch: Callable[[], Awaitable[T]]) -> T | None:
    """What `fetch` gives, within a few tries; None when it cannot be had. Raises StorageUnavailable."""
    for number in range(1, FETCH_TRIES + 1):
        try:
            return await fetch()
        except StorageUnavailable:
            raise
        except (UnsafeAddress, UnusableOutput, ResponseTooLarge) as error:
            log.warning("output refused", task_id=task.id, reason=error.message)
            return None
        except (aiohttp.ClientError, HatcheryError, OSError, TimeoutError) as error:
            log.warning("output not fetched", task_id=task.id, tried=number, reason=type(error).__name__)
        await asyncio.sleep(0.2 * number)
    return None
