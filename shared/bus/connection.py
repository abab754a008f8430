"""Connections to the broker: opened by hand, watched, and reopened by their owner."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
import structlog
from aio_pika.abc import AbstractConnection
from aiormq.exceptions import AMQPError
from yarl import URL

log = structlog.get_logger()

HEARTBEAT_SECONDS = 10
CONNECT_TIMEOUT_SECONDS = 5
STABLE_SECONDS = 5
"""A connection that has lasted this long starts the back-off anew."""
BROKER_ERRORS = (AMQPError, aio_pika.exceptions.AMQPException, OSError, TimeoutError, RuntimeError)
"""What a broker that is away, stuck or starting raises. aio-pika uses RuntimeError for closed channels."""


Use = Callable[[AbstractConnection, asyncio.Event], Awaitable[None]]
"""What is done with an open connection; it returns once the event says that the connection is lost."""


async def stay_connected(url: str, name: str, use: Use, stop: asyncio.Event | None = None) -> None:
    """Connect and use the connection, again and again, until `stop` is set or the task is cancelled."""
    failures = 0
    while not (stop is not None and stop.is_set()):
        began = time.monotonic()
        try:
            async with connection(url, name) as (opened, lost):
                await use(opened, lost)
        except BROKER_ERRORS as error:
            log.warning("broker not reached", connection=name, reason=repr(error)[:200])
        except asyncio.CancelledError:
            if cancelling():
                raise
        failures = 0 if time.monotonic() - began > STABLE_SECONDS else failures + 1
        await _pause(stop, backoff_seconds(failures))


@asynccontextmanager
async def connection(url: str, name: str) -> AsyncIterator[tuple[AbstractConnection, asyncio.Event]]:
    """An open connection and an event that is set once it is lost. Raises one of BROKER_ERRORS."""
    lost = asyncio.Event()
    target = URL(url).update_query(heartbeat=HEARTBEAT_SECONDS)
    opened = await aio_pika.connect(
        str(target), timeout=CONNECT_TIMEOUT_SECONDS, client_properties={"connection_name": name}
    )
    opened.close_callbacks.add(lambda *_: lost.set())
    try:
        if cancelling():
            # The library's own time-out has swallowed it.
            raise asyncio.CancelledError
        yield opened, lost
    finally:
        await _close(opened)


async def _close(opened: AbstractConnection) -> None:
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
            await opened.close()
    except BROKER_ERRORS:
        return
    except asyncio.CancelledError:
        # A stuck connection raises this of its own accord.
        if cancelling():
            raise


async def _pause(stop: asyncio.Event | None, seconds: float) -> None:
    if stop is None:
        await asyncio.sleep(seconds)
        return
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


def cancelling() -> bool:
    """Whether somebody really cancelled the current task."""
    task: asyncio.Task[Any] | None = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def backoff_seconds(failures: int) -> float:
    """Between tries to connect: a fifth of a second, doubling to five, with jitter."""
    return min(0.2 * 2.0 ** min(failures, 10), 5.0) * random.uniform(0.8, 1.2)
