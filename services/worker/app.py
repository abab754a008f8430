"""The worker: consumes `attempt.dispatched.<provider>` of every provider it has a key for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.worker.handlers import WorkerHandlers
from services.worker.outputs import MOST_DOWNLOADS, OutputStore
from services.worker.runner import Runner
from services.worker.settings import WorkerSettings
from shared.batching import Batcher
from shared.bus.topology import worker_queue
from shared.files import Files
from shared.http import EgressPolicy, guarded_session, provider_session
from shared.ids import Prefix, new_id
from shared.providers.inputs import InputImages
from shared.providers.registry import build_adapters
from shared.providers.tools import ProviderTools
from shared.runtime import Platform
from shared.settings import read_settings
from shared.tasks.lifecycle import Role
from shared.tasks.service import TaskService, task_tools
from shared.tasks.store import Move

GATHER_SECONDS = 0.03
"""A worker with several outcomes at once writes them together."""
PREFETCH = 32
"""Messages on their way to one worker; the rest stay in the queue for its siblings."""


@asynccontextmanager
async def build(platform: Platform) -> AsyncIterator[TaskService]:
    """A worker with everything it needs."""
    settings = read_settings(WorkerSettings)
    tools = task_tools(platform, Role.WORKER)
    async with (
        Files(settings.s3) as files,
        provider_session() as calls,
        guarded_session(
            EgressPolicy.from_settings(settings), limit=MOST_DOWNLOADS, limit_per_host=MOST_DOWNLOADS
        ) as downloads,
    ):
        inputs = InputImages(downloads)
        providers = build_adapters(settings.providers, lambda name: ProviderTools(calls, inputs))
        writer: Batcher[Move, bool] = Batcher(
            "worker.outcomes", tools.mover.move, gather_seconds=GATHER_SECONDS
        )
        runner = Runner(
            providers,
            platform.catalog,
            OutputStore(downloads, files, settings.max_output_bytes, platform.killpoints),
            writer,
            platform.clock,
            settings.lease,
            platform.killpoints,
        )
        handlers = WorkerHandlers(
            tools,
            runner,
            platform.publisher,
            platform.clock,
            owner=new_id(Prefix.OWNER),
            capacity=settings.worker_concurrency,
            lease=settings.lease,
        )
        yield TaskService(
            platform,
            Role.WORKER,
            tools,
            handlers.routes(),
            queues=[worker_queue(provider) for provider in providers],
            background=[handlers.keep_leases],
            room=handlers.room,
            prefetch=PREFETCH,
            drain=handlers.drain,
        )
        await writer.close()
