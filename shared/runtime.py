"""What every process does: connect, start its services, answer health checks, stop in order."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import structlog
import uvloop
from fastapi import FastAPI
from pymongo import AsyncMongoClient

from shared.bus.publisher import Publisher
from shared.catalog.load import load_catalog
from shared.catalog.model import Catalog
from shared.clock import DatabaseClock
from shared.health import ops_endpoints
from shared.killpoints import KillPoints
from shared.mongo import (
    Database,
    DatabaseUnavailable,
    Document,
    connect,
    ensure_indexes,
    is_unavailable,
)
from shared.serving import serving
from shared.settings import Settings
from shared.waiting import cancel

log = structlog.get_logger()

DRAIN_SECONDS = 25.0
CLOCK_READ_EVERY_SECONDS = 10.0
MONGO_RETRY_SECONDS = 1.0


@dataclass(slots=True)
class Platform:
    """What the services of a process share."""

    settings: Settings
    catalog: Catalog
    mongo: AsyncMongoClient[Document]
    database: Database
    clock: DatabaseClock
    publisher: Publisher
    killpoints: KillPoints
    process_name: str
    database_seen: bool = False
    upkeep: tuple[asyncio.Task[None], ...] = ()
    """What keeps the connections and the clock; the process cannot go on without it."""


class Service(Protocol):
    """One of the five. `run` works until `stop` is called and everything in hand is finished."""

    name: str

    async def run(self) -> None: ...

    def stop(self) -> None: ...

    def ready(self) -> bool: ...


Build = Callable[[Platform], AbstractAsyncContextManager[Service]]
"""How a service is put together; what it opens is closed after it has stopped."""


def run_process(settings: Settings, builds: Sequence[Build], name: str) -> int:
    """Run services in this process until SIGTERM or SIGINT; gives the exit code."""
    # What is imported by now stays; of the rest little lives long enough to be worth looking for so often.
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(settings, builds, name))


@asynccontextmanager
async def open_platform(
    settings: Settings, name: str, *, wait_for_database: bool = True
) -> AsyncIterator[Platform]:
    """Connections of a process, opened and closed in order.

    Waits for the database as long as it takes, or raises DatabaseUnavailable.
    """
    mongo = connect(settings.mongo_url)
    platform = Platform(
        settings=settings,
        catalog=load_catalog(settings.catalog),
        mongo=mongo,
        database=mongo[settings.mongo_database],
        clock=DatabaseClock(),
        publisher=Publisher(settings.amqp_url, name),
        killpoints=KillPoints(settings.kill_point),
        process_name=name,
    )
    try:
        await _first_contact(platform, wait_for_database)
        platform.upkeep = (
            asyncio.create_task(platform.publisher.run(), name="publisher"),
            asyncio.create_task(_keep_time(platform), name="clock"),
        )
        try:
            yield platform
        finally:
            await cancel(*platform.upkeep)
    finally:
        await mongo.close()


async def _first_contact(platform: Platform, wait: bool) -> None:
    while True:
        try:
            await platform.clock.read(platform.mongo)
            await ensure_indexes(platform.database)
        except Exception as error:
            if not is_unavailable(error):
                raise
            if not wait:
                raise DatabaseUnavailable from error
            log.warning("waiting for the database", reason=type(error).__name__)
            await asyncio.sleep(MONGO_RETRY_SECONDS)
        else:
            platform.database_seen = True
            return


async def _keep_time(platform: Platform) -> None:
    while True:
        await asyncio.sleep(CLOCK_READ_EVERY_SECONDS if platform.database_seen else MONGO_RETRY_SECONDS)
        try:
            await platform.clock.read(platform.mongo)
            platform.database_seen = True
        except Exception as error:
            if not is_unavailable(error):
                raise
            platform.database_seen = False
            log.warning("database not reached", reason=type(error).__name__)


async def _run(settings: Settings, builds: Sequence[Build], name: str) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    services: list[Service] = []

    def checks() -> dict[str, bool]:
        running = not stop.is_set() and bool(services)
        return {"running": running, **{service.name: service.ready() for service in services}}

    ops_app = FastAPI(openapi_url=None)
    ops_app.include_router(ops_endpoints(checks))
    async with serving(ops_app, settings.host, settings.ops_port, "ops"):
        work = asyncio.create_task(_work(settings, builds, name, services, stop), name="services")
        stopped = asyncio.create_task(stop.wait(), name="stop")
        await asyncio.wait([work, stopped], return_when=asyncio.FIRST_COMPLETED)
        if not services:
            # Told to stop while still waiting for the database.
            work.cancel()
        await asyncio.wait([work])
        await cancel(stopped)
    return 0 if work.cancelled() else work.result()


async def _work(
    settings: Settings, builds: Sequence[Build], name: str, services: list[Service], stop: asyncio.Event
) -> int:
    async with open_platform(settings, name) as platform, AsyncExitStack() as stack:
        built = [await stack.enter_async_context(build(platform)) for build in builds]
        runs = [asyncio.create_task(service.run(), name=service.name) for service in built]
        services += built
        stopped = asyncio.create_task(stop.wait(), name="stop")
        log.info("started", services=[service.name for service in built])
        await asyncio.wait([*runs, *platform.upkeep, stopped], return_when=asyncio.FIRST_COMPLETED)
        broken = [task for task in platform.upkeep if task.done()]
        for service in built:
            service.stop()
        _, unfinished = await asyncio.wait(runs, timeout=DRAIN_SECONDS)
        if unfinished:
            log.warning("work cut short", services=[task.get_name() for task in unfinished])
        await cancel(stopped, *unfinished)
    failed = [task for task in (*runs, *broken) if not task.cancelled() and task.exception() is not None]
    for task in failed:
        log.error("service failed", service=task.get_name(), exc_info=task.exception())
    log.info("stopped")
    return 1 if failed else 0
