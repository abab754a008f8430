"""The worker: consumes `attempt.dispatched.<provider>` of every provider it has a key for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from services.worker.aftermath import Aftermath
from services.worker.capacity import WorkerCapacity
from services.worker.handlers import WorkerHandlers
from services.worker.outputs import MOST_DOWNLOADS, OutputStore
from services.worker.requests import Requests
from services.worker.runner import Runner, RunnerParts
from services.worker.settings import WorkerSettings
from services.worker.shares import Shares
from services.worker.videos import VideoStore
from shared.batching import Batcher
from shared.bus.events import EventType
from shared.bus.listener import Listener
from shared.bus.topology import worker_queue
from shared.files import Files
from shared.http import EgressPolicy, guarded_session, provider_session
from shared.ids import Prefix, new_id
from shared.key_register import KeyRegister, stay_registered
from shared.keyring import KeyRing, media_adapters
from shared.providers.inputs import InputImages
from shared.providers.keys import key_ids
from shared.providers.registry import build_adapters
from shared.providers.tools import ProviderTools, Throttle, Unlimited
from shared.route_health import RouteHealth
from shared.runtime import Platform
from shared.settings import read_settings
from shared.tasks.lifecycle import Role
from shared.tasks.service import TaskService, task_tools
from shared.tasks.store import Move

GATHER_SECONDS = 0.04
"""A worker with several outcomes at once writes them together."""
PREFETCH = 32
"""Messages on their way to one worker; the rest stay in the queue for its siblings."""


@asynccontextmanager
async def build(platform: Platform) -> AsyncIterator[TaskService]:
    """A worker with everything it needs."""
    settings = read_settings(WorkerSettings)
    tools = task_tools(platform, Role.WORKER)
    owner = new_id(Prefix.OWNER)
    limits = {name: entry.limits for name, entry in platform.catalog.providers.items()}
    shares = Shares(platform.database, platform.clock, owner, limits)
    health = RouteHealth(platform.database, platform.clock, platform.catalog)
    register = KeyRegister(platform.database, platform.clock)
    own_keys = key_ids(settings.providers)
    aftermath = Aftermath(platform.database)
    async with (
        Files(settings.s3) as files,
        provider_session() as calls,
        guarded_session(
            EgressPolicy.from_settings(settings), limit=MOST_DOWNLOADS, limit_per_host=MOST_DOWNLOADS
        ) as downloads,
    ):
        inputs = InputImages(downloads)

        def tools_for(provider: str) -> ProviderTools:
            pacer: Throttle = shares.pacers.get(provider) or Unlimited()
            return ProviderTools(calls, inputs, pacer)

        keys = KeyRing(media_adapters(build_adapters(settings.providers, tools_for)))
        writer: Batcher[Move, bool] = Batcher(
            "worker.outcomes", tools.mover.move, gather_seconds=GATHER_SECONDS
        )
        videos = VideoStore(downloads, files, settings.max_video_bytes)
        runner = Runner(
            RunnerParts(
                keys=keys,
                requests=Requests(settings.hints_url),
                outputs=OutputStore(
                    downloads,
                    files,
                    videos,
                    settings.max_output_bytes,
                    platform.killpoints,
                    settings.fetch_limits,
                ),
                health=health,
                aftermath=aftermath,
                catalog=platform.catalog,
                writer=writer,
                clock=platform.clock,
                killpoints=platform.killpoints,
                lease=settings.lease,
            )
        )
        capacity = WorkerCapacity(keys.providers, settings.worker_concurrency, shares)
        handlers = WorkerHandlers(
            tools,
            runner,
            keys,
            health,
            capacity,
            platform.publisher,
            platform.clock,
            owner=owner,
            lease=settings.lease,
        )
        listen = partial(Listener, settings.amqp_url, platform.process_name)
        yield TaskService(
            platform,
            Role.WORKER,
            tools,
            handlers.routes(),
            queues=[worker_queue(provider) for provider in keys.providers],
            background=[
                handlers.keep_leases,
                partial(shares.keep, capacity.in_hand),
                partial(stay_registered, register, own_keys),
                listen([EventType.TASK_CANCEL_REQUESTED], handlers.cancel_requested).run,
                listen([EventType.ATTEMPT_HINTED], handlers.hinted).run,
            ],
            capacity=capacity,
            prefetch=PREFETCH,
            drain=handlers.drain,
        )
        await aftermath.close()
        await writer.close()
        await shares.leave()
