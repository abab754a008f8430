"""One worker with a provider that a test scripts, over a real database and a bucket in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import aiohttp

from services.worker.aftermath import Aftermath
from services.worker.capacity import WorkerCapacity
from services.worker.downloads import FetchLimits
from services.worker.handlers import WorkerHandlers
from services.worker.outputs import OutputStore
from services.worker.requests import Requests
from services.worker.runner import Runner, RunnerParts
from services.worker.shares import Shares
from services.worker.videos import VideoStore
from shared.batching import Batcher
from shared.catalog.model import Catalog, ModelEntry, PollSchedule, ProviderEntry
from shared.keyring import KeyRing
from shared.killpoints import KillPoints
from shared.mongo import Database, Document
from shared.route_health import RouteHealth
from shared.tasks.lifecycle import Role, State
from shared.tasks.model import Attempt, Task
from shared.tasks.store import Move
from tests.integration.recording import Bell, tools_with
from tests.unit.building import NOON, StillClock, attempt, task_document
from tests.unit.worker.providers import Scripted
from tests.unit.worker.storage import Bucket

OWNER = "own_1"
KEY = "fal-1"
PLACES = 3
OFTEN = PollSchedule(first_seconds=0.001, factor=0.001, most_seconds=0.001)
HARDLY_EVER = PollSchedule(first_seconds=3600, factor=1, most_seconds=3600)


class Rig:
    """A worker's handlers; `take` hands them tasks as the broker or the sweeper would."""

    def __init__(
        self,
        database: Database,
        clock: StillClock,
        session: aiohttp.ClientSession,
        provider: Scripted,
        poll: PollSchedule = OFTEN,
        lease: timedelta = timedelta(seconds=30),
        key_ids: Sequence[str] = (KEY,),
        models: Mapping[str, ModelEntry] | None = None,
    ) -> None:
        self.provider = provider
        self.bucket = Bucket()
        self.bell = Bell()
        self._database = database
        self._tools = tools_with(self.bell, database, clock, Role.WORKER)
        catalog = Catalog(providers={"fal": ProviderEntry(poll=poll)}, models=dict(models or {}))
        keys = KeyRing({"fal": dict.fromkeys(key_ids, provider)})
        health = RouteHealth(database, clock, catalog)
        self.aftermath = Aftermath(database, (0.0,))
        self._writer: Batcher[Move, bool] = Batcher("outcomes", self._tools.mover.move)
        killpoints = KillPoints()
        outputs = OutputStore(
            session, self.bucket, VideoStore(session, self.bucket, 10**6), 10**6, killpoints, FetchLimits()
        )
        runner = Runner(
            RunnerParts(
                keys=keys,
                requests=Requests(None),
                outputs=outputs,
                health=health,
                aftermath=self.aftermath,
                catalog=catalog,
                writer=self._writer,
                clock=clock,
                killpoints=killpoints,
                lease=lease,
            )
        )
        self.capacity = WorkerCapacity(["fal"], PLACES, Shares(database, clock, OWNER, {}))
        self.handlers = WorkerHandlers(
            self._tools, runner, keys, health, self.capacity, self.bell, clock, owner=OWNER, lease=lease
        )

    async def take(self, *documents: Document) -> list[Task]:
        """Store the tasks and hand them over in one batch."""
        await self._database["tasks"].insert_many(documents)
        tasks = [Task.model_validate(document) for document in documents]
        await self.again(*tasks)
        return tasks

    async def again(self, *tasks: Task) -> None:
        await self.handlers.routes()[tasks[0].state](tasks)

    async def read(self, task: Task) -> Task:
        return Task.model_validate(await self._database["tasks"].find_one({"_id": task.id}))

    @property
    def idle(self) -> bool:
        """Whether every run has ended."""
        return self.capacity.in_hand("fal") == 0

    async def close(self) -> None:
        await self.handlers.drain()
        await self.aftermath.close()
        await self._writer.close()


def dispatched(units: int = 1, **fields: Any) -> Document:
    """A task for this worker, due for whoever comes."""
    facts = {"attempts": (attempt(),), "provider": "fal", "wake_at": NOON, **fields}
    return task_document(State.DISPATCHED, units=units, **facts)


def in_hand(state: State, **of_attempt: Any) -> Document:
    """A task in the hands of a worker that has not been heard of since noon."""
    one: Attempt = attempt(key_id=KEY, **of_attempt)
    return task_document(state, attempts=(one,), provider="fal", owner="own_dead", wake_at=NOON)
