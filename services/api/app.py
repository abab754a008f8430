"""The api: the public HTTP service. Publishes `task.queued`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI
from starlette.types import ASGIApp

from services.api.auth import Authenticator
from services.api.callbacks import callback_verifiers
from services.api.cancel import Cancellations, cancel_endpoints
from services.api.dialects.eggapi.endpoints import DIALECT as EGGAPI
from services.api.dialects.eggapi.endpoints import eggapi_endpoints, task_renderer
from services.api.files import file_endpoints
from services.api.hints import Hints, hint_endpoints
from services.api.middleware import RequestFrame
from services.api.rendering import render_errors
from services.api.submit import Submissions
from services.api.tasks import TaskReader
from shared.accounts.key import Keys
from shared.bus.events import EventType
from shared.bus.listener import Listener
from shared.files import Files
from shared.health import ops_endpoints
from shared.http import EgressPolicy, provider_session
from shared.ledger.chain import Ledger
from shared.ledger.usage import UsageFold
from shared.links import file_url
from shared.runtime import Platform
from shared.serving import serving
from shared.tasks.lifecycle import Role
from shared.tasks.store import TaskStore
from shared.waiting import cancel

log = structlog.get_logger()


class ApiService:
    """Serves until told to stop, then answers what it has begun."""

    name = Role.API.value

    def __init__(
        self, platform: Platform, app: ASGIApp, submissions: Submissions, listener: Listener
    ) -> None:
        self._platform = platform
        self._app = app
        self._submissions = submissions
        self._listener = listener
        self._listening = False
        self._stopping = asyncio.Event()

    def ready(self) -> bool:
        return self._listening and self._platform.database_seen and not self._stopping.is_set()

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        settings = self._platform.settings
        listening = asyncio.create_task(self._listener.run(), name="api:revocations")
        async with serving(self._app, settings.host, settings.port, "api", shared=True) as port:
            self._listening = True
            log.info("listening", host=settings.host, port=port)
            await self._stopping.wait()
        await self._submissions.close()
        await cancel(listening)


@asynccontextmanager
async def build(platform: Platform) -> AsyncIterator[ApiService]:
    """The api with everything it needs."""
    settings = platform.settings
    ledger = Ledger(platform.database, platform.clock)
    authenticate = Authenticator(Keys(platform.database, platform.clock, settings.key_pepper))
    store = TaskStore(platform.database, platform.clock, Role.API)
    tasks = TaskReader(platform.database)
    submissions = Submissions(
        store,
        ledger,
        platform.publisher,
        platform.catalog,
        platform.clock,
        platform.killpoints,
    )
    listener = Listener(settings.amqp_url, platform.process_name, EventType.KEY_REVOKED, authenticate.forget)

    def url(key: str) -> str:
        return file_url(settings, key)

    async with Files(settings.s3) as files, provider_session() as calls:
        app = FastAPI(title="Hatchery", openapi_url=None, redirect_slashes=False)
        service = ApiService(platform, RequestFrame(app), submissions, listener)
        app.include_router(
            eggapi_endpoints(
                authenticate,
                submissions,
                tasks,
                UsageFold(platform.database, ledger, platform.killpoints),
                platform.catalog,
                EgressPolicy.from_settings(settings),
                url,
            )
        )
        cancellations = Cancellations(store, tasks, platform.publisher)
        app.include_router(cancel_endpoints(authenticate, cancellations, {EGGAPI: task_renderer(url)}))
        app.include_router(file_endpoints(files))
        verifiers = callback_verifiers(settings, calls)
        app.include_router(hint_endpoints(verifiers, Hints(platform.publisher), platform.clock))
        # Customers reach this port; metrics are for the ops port, except on a developer's own machine.
        app.include_router(
            ops_endpoints(lambda: {Role.API.value: service.ready()}, show_metrics=settings.local_development)
        )
        render_errors(app)
        yield service
