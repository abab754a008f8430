"""Connections to the broker: opened by hand, watched, and reopened by their owner."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
from aio_pika.abc import AbstractConnection
from aiormq.exceptions import AMQPError
from yarl import URL

HEARTBEAT_SECONDS = 10
CONNECT_TIMEOUT_SECONDS = 5
BROKER_ERRORS = (AMQPError, aio_pika.exceptions.AMQPException, OSError, TimeoutError, RuntimeError)
"""What a broker that is away, stuck or starting raises. aio-pika uses RuntimeError for closed channels."""


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


def cancelling() -> bool:
    """Whether somebody really cancelled the current task."""
    task: asyncio.Task[Any] | None = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def backoff_seconds(failures: int) -> float:
    """Between tries to connect: a fifth of a second, doubling to five, with jitter."""
    return min(0.2 * 2.0 ** min(failures, 10), 5.0) * random.uniform(0.8, 1.2)
