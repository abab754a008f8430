"""The api: the public HTTP service. Publishes `task.queued`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI

from services.api.admission import Admission
from services.api.auth import Authenticator
from services.api.callbacks import callback_verifiers
from services.api.cancel import Cancellations, cancel_endpoints
from services.api.coupons import CouponReader
from services.api.dialects.aigenway.endpoints import aigenway_endpoints
from services.api.dialects.aigenway.mapping import status_of as aigenway_status_of
from services.api.dialects.aigenway.tasks import task_renderer as aigenway_task_renderer
from services.api.dialects.eggapi.endpoints import eggapi_endpoints, task_renderer
from services.api.dialects.eggapi.mapping import status_of
from services.api.dialects.eggapi.usage import usage_endpoints
from services.api.dialects.openai.endpoints import openai_endpoints
from services.api.dialects.openai.images import task_renderer as openai_task_renderer
from services.api.dialects.paths import AIGENWAY, EGGAPI, OPENAI
from services.api.events import event_endpoints
from services.api.file_streams import FileStreams
from services.api.files import file_endpoints
from services.api.hints import Hints, hint_endpoints
from services.api.idempotency import Idempotency
from services.api.middleware import RequestFrame
from services.api.parts import ApiParts
from services.api.rate_limit import RateLimits
from services.api.reference.dialects import described
from services.api.reference.endpoints import reference_endpoints
from services.api.rendering import render_errors
from services.api.request_log import LoggedRequests, request_log
from services.api.settings import ApiSettings
from services.api.statements.endpoints import ledger_endpoints
from services.api.strangers import Addresses, Strangers
from services.api.submit import Submissions
from services.api.tasks import TaskReader
from services.api.text.calls import TextCalls
from services.api.text.health import BestKnownHealth
from services.api.text.orders import TextOrders
from services.api.topups.wiring import payment_endpoints
from services.api.waiting import ENDINGS, Bell, Waiting
from services.api.webhooks.wiring import webhook_endpoints
from shared.accounts.key import Keys
from shared.bus.events import EventType
from shared.bus.listener import Listener
from shared.coupons.store import Coupons
from shared.coupons.uses import CouponUses
from shared.files import Files
from shared.health import ops_endpoints
from shared.http import EgressPolicy, guarded_session, provider_session
from shared.ledger.chain import Ledger
from shared.ledger.statement import Statements
from shared.ledger.usage import UsageFold
from shared.links import file_url
from shared.providers.inputs import InputImages
from shared.providers.registry import build_adapters
from shared.providers.tools import ProviderTools
from shared.route_health import RouteHealth
from shared.runtime import Platform
from shared.serving import serving
from shared.settings import read_settings
from shared.tasks.lifecycle import Role
from shared.tasks.service import task_tools
from shared.tasks.store import TaskStore
from shared.waiting import cancel

log = structlog.get_logger()


class ApiService:
    """Serves until told to stop, then answers what it has begun."""

    name = Role.API.value

    def __init__(
        self, platform: Platform, settings: ApiSettings, app: FastAPI, parts: ApiParts, *listeners: Listener
    ) -> None:
        self._platform = platform
        self._settings = settings
        self.app = app
        """Everything that is served, without the frame around requests."""
        self._parts = parts
        self._listeners = listeners
        self._listening = False
        self._stopping = asyncio.Event()

    def ready(self) -> bool:
        return self._listening and self._platform.database_seen and not self._stopping.is_set()

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        settings, framed = self._settings, RequestFrame(self.app, self._settings.body_limits)
        running = [asyncio.create_task(one.run(), name="api:listener") for one in self._listeners]
        running.append(asyncio.create_task(self._parts.bell.run(), name="api:bell"))
        async with serving(
            framed, settings.host, settings.port, "api", shared=True, limits=settings.http_limits
        ) as port:
            self._listening = True
            log.info("listening", host=settings.host, port=port)
            await self._stopping.wait()
            self._parts.bell.close()
        await self._parts.orders.close()
        await self._parts.submissions.close()
        await self._parts.limits.close()
        await cancel(*running)


@asynccontextmanager
async def build_parts(
    platform: Platform, settings: ApiSettings, authenticate: Authenticator
) -> AsyncIterator[ApiParts]:
    """Everything that the endpoints share."""
    database, clock = platform.database, platform.clock
    ledger = Ledger(database, clock)
    store = TaskStore(database, clock, Role.API)
    submissions = Submissions(store, ledger, platform.publisher, clock, platform.killpoints)
    tasks = TaskReader(database)
    bell = Bell(tasks)
    egress = EgressPolicy.from_settings(settings)
    limits = RateLimits(database, clock, settings.requests_per_minute, settings.account_requests_per_minute)
    addresses = Addresses(settings.proxies)
    async with (
        Files(settings.s3) as files,
        provider_session() as calls,
        guarded_session(egress) as downloads,
    ):
        tools = ProviderTools(calls, InputImages(downloads))
        yield ApiParts(
            admit=Admission(authenticate, limits, Strangers(addresses, settings.refusals_per_second)),
            addresses=addresses,
            limits=limits,
            submissions=submissions,
            idempotency=Idempotency(store, submissions),
            coupons=CouponReader(Coupons(database, clock), CouponUses(ledger, platform.killpoints), clock),
            tasks=tasks,
            bell=bell,
            waiting=Waiting(tasks, bell),
            ledger=ledger,
            usage=UsageFold(database, ledger, platform.killpoints),
            statements=Statements(database),
            catalog=platform.catalog,
            egress=egress,
            files=files,
            file_url=lambda key: file_url(settings, key),
            text=TextCalls(
                build_adapters(settings.providers, lambda _: tools),
                BestKnownHealth(RouteHealth(database, clock, platform.catalog)),
                platform.catalog,
                clock,
            ),
            orders=TextOrders(
                submissions,
                task_tools(platform, Role.WORKER).mover,
                task_tools(platform, Role.ROUTER).mover,
                clock,
                platform.killpoints,
                platform.catalog,
            ),
            clock=clock,
        )


@asynccontextmanager
async def build(platform: Platform) -> AsyncIterator[ApiService]:
    """The api with everything it needs."""
    settings = read_settings(ApiSettings)
    authenticate = Authenticator(Keys(platform.database, platform.clock, settings.key_pepper), platform.clock)
    async with (
        build_parts(platform, settings, authenticate) as parts,
        provider_session() as calls,
        request_log(platform.database, platform.clock) as requests,
    ):
        app = FastAPI(title="Hatchery", openapi_url=None, redirect_slashes=False)
        service = ApiService(
            platform,
            settings,
            app,
            parts,
            Listener(settings.amqp_url, platform.process_name, [EventType.KEY_REVOKED], authenticate.forget),
            Listener(settings.amqp_url, platform.process_name, ENDINGS, parts.bell.ring),
        )
        app.add_middleware(LoggedRequests, requests=requests)
        app.include_router(eggapi_endpoints(parts))
        app.include_router(usage_endpoints(parts))
        app.include_router(openai_endpoints(parts, requests, platform.killpoints))
        streams = FileStreams(parts.addresses)
        app.include_router(aigenway_endpoints(parts, streams, settings.public_url))
        app.include_router(ledger_endpoints(parts.admit, parts.statements))
        store = TaskStore(platform.database, platform.clock, Role.API)
        cancellations = Cancellations(store, parts.tasks, platform.publisher)
        renderers = {
            EGGAPI: task_renderer(parts.file_url),
            OPENAI: openai_task_renderer(parts.file_url, parts.catalog),
            AIGENWAY: aigenway_task_renderer(settings.public_url),
        }
        app.include_router(cancel_endpoints(parts.admit, cancellations, renderers))
        statuses = {EGGAPI: status_of, OPENAI: status_of, AIGENWAY: aigenway_status_of}
        app.include_router(event_endpoints(parts.admit, parts.tasks, parts.bell, statuses))
        app.include_router(file_endpoints(parts.files, streams))
        verifiers = callback_verifiers(settings, calls)
        app.include_router(hint_endpoints(verifiers, Hints(platform.publisher), platform.clock))
        app.include_router(payment_endpoints(platform, settings, parts, calls))
        app.include_router(webhook_endpoints(platform, settings, parts))
        # Customers reach this port; metrics are for the ops port, except on a developer's own machine.
        app.include_router(
            ops_endpoints(lambda: {Role.API.value: service.ready()}, show_metrics=settings.local_development)
        )
        if settings.docs_enabled:
            app.include_router(reference_endpoints(described(platform.catalog), settings.public_url))
        render_errors(app)
        yield service
