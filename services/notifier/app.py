"""The notifier: consumes `task.completed`, `task.failed` and `task.cancelled`, and sends signed webhooks."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import aiohttp
import structlog

from services.notifier.account_sweep import AccountEventSweeper
from services.notifier.audience import Audience
from services.notifier.courier import Courier, full_jitter
from services.notifier.delivery import Recording
from services.notifier.dispatch import Dispatcher
from services.notifier.endpoint_health import EndpointHealth
from services.notifier.endpoints import EndpointBook
from services.notifier.handlers import NotifierHandlers
from services.notifier.preparation import Preparations
from services.notifier.recorder import Recorder
from services.notifier.retries import RetrySweeper
from services.notifier.sender import LONGEST_SEND, Sender
from services.notifier.settings import NotifierSettings
from services.notifier.signers import Signers
from services.notifier.store import DeliveryStore
from shared.account_events import AccountEvents
from shared.accounts.account import Accounts
from shared.accounts.key import Keys
from shared.batching import Batcher
from shared.bus.topology import NOTIFIER_QUEUE
from shared.clock import Clock
from shared.http import EgressPolicy, guarded_session
from shared.killpoints import KillPoints
from shared.mongo import Database, is_unavailable
from shared.runtime import Platform
from shared.secrets import SecretBox
from shared.settings import read_settings
from shared.tasks.lifecycle import Role
from shared.tasks.service import TaskService, task_tools
from shared.tasks.store import TaskStore
from shared.webhooks.listeners import Listeners

log = structlog.get_logger()

GATHER_SECONDS: Final = 0.1
"""Where receivers answer much, it is recorded together: nobody waits for the record."""
LONGEST_DRAIN: Final = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Notifier:
    """The notifier's parts, put together."""

    handlers: NotifierHandlers
    dispatcher: Dispatcher
    retries: RetrySweeper
    account_events: AccountEventSweeper
    recordings: Batcher[Recording, None]
    store: DeliveryStore

    async def drain(self) -> None:
        """Finish and record what is on its way; give the rest back for others to send."""
        unfinished = await self.dispatcher.finish(LONGEST_DRAIN)
        await self.recordings.close()
        try:
            await self.store.release(unfinished)
        except Exception as error:
            # The claims run out by themselves.
            if not is_unavailable(error):
                raise
            log.warning("deliveries not given back", count=len(unfinished), reason=type(error).__name__)


def assemble(
    database: Database,
    clock: Clock,
    tasks: TaskStore,
    session: aiohttp.ClientSession,
    settings: NotifierSettings,
    killpoints: KillPoints,
    jitter: Callable[[], float] = full_jitter,
    monotonic: Callable[[], float] = time.monotonic,
) -> Notifier:
    """The notifier on top of its connections. `jitter` gives numbers from -1 to 1, `monotonic` seconds."""
    secrets = SecretBox(settings.secrets_key.get_secret_value())
    keys = Keys(database, clock, settings.key_pepper, secrets)
    signers = Signers(Accounts(database, clock, secrets), keys, monotonic)
    endpoints = EndpointBook(database, secrets, monotonic)
    listeners, events = Listeners(database), AccountEvents(database)
    store = DeliveryStore(database, clock, settings.lease)
    recorder = Recorder(store, EndpointHealth(database, clock, events), endpoints)
    recordings: Batcher[Recording, None] = Batcher(
        "notifier.recordings", recorder.record, gather_seconds=GATHER_SECONDS
    )
    preparations = Preparations(signers, endpoints)
    courier = Courier(Sender(session), preparations, recordings, clock, killpoints, jitter)
    dispatcher = Dispatcher(courier.deliver, settings.limits)
    return Notifier(
        NotifierHandlers(tasks, store, Audience(listeners, monotonic), dispatcher, settings),
        dispatcher,
        RetrySweeper(store, dispatcher),
        AccountEventSweeper(events, listeners, store, dispatcher, clock, killpoints),
        recordings,
        store,
    )


@asynccontextmanager
async def build(platform: Platform) -> AsyncIterator[TaskService]:
    """The notifier with everything it needs."""
    settings = read_settings(NotifierSettings)
    tools = task_tools(platform, Role.NOTIFIER)
    limits = settings.limits
    async with guarded_session(
        EgressPolicy.from_settings(settings),
        limit=limits.open,
        limit_per_host=limits.most_share,
        total=LONGEST_SEND,
    ) as session:
        notifier = assemble(
            platform.database, platform.clock, tools.store, session, settings, platform.killpoints
        )
        yield TaskService(
            platform,
            Role.NOTIFIER,
            tools,
            notifier.handlers.routes(),
            queues=[NOTIFIER_QUEUE],
            background=[notifier.retries.run, notifier.account_events.run],
            drain=notifier.drain,
        )
