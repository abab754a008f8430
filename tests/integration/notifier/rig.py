"""A notifier on a real database, whose time is driven by the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from services.notifier.app import Notifier, assemble
from services.notifier.settings import NotifierSettings
from shared.account_events import AccountEvent, AccountEvents, AccountEventType
from shared.accounts.account import Accounts
from shared.http import EgressPolicy, guarded_session
from shared.killpoints import KillPoints
from shared.mongo import Database, Document
from shared.secrets import SecretBox
from shared.settings import S3Settings
from shared.tasks.lifecycle import Role, State
from shared.tasks.store import TaskStore
from shared.webhooks.endpoint import Endpoint, NewEndpoint
from shared.webhooks.endpoints import Endpoints
from shared.webhooks.events import EVERYTHING
from tests.unit.notifier.tasks import final_task

SECRETS_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
SETTINGS = NotifierSettings(
    s3=S3Settings(access_key="access", secret_key="secret"),
    key_pepper="pepper",
    secrets_key=SECRETS_KEY,
    local_development=True,
    notifier_concurrency=8,
)
LOOK_AGAIN = timedelta(seconds=0.01)


class ManualClock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime = datetime(2026, 2, 3, 9, 15, tzinfo=UTC)) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by


async def until(condition: Callable[[], bool]) -> None:
    """Wait for it; a test that waits in vain is ended by its own time limit."""
    while True:
        if condition():
            return
        await asyncio.sleep(LOOK_AGAIN.total_seconds())


@dataclass
class Rig:
    """One notifier and everything a test asks of it."""

    database: Database
    clock: ManualClock
    notifier: Notifier
    tasks: TaskStore
    account_id: str
    secret: str

    async def end_task(self, url: str | None, state: State = State.COMPLETED, **fields: Any) -> str:
        """A task that has just become final; gives its id."""
        document = final_task(
            state,
            account_id=self.account_id,
            callback_url=url,
            wake_at=self.clock.now() + timedelta(seconds=5),
            **fields,
        )
        await self.tasks.insert([document])
        return str(document["_id"])

    async def notify(self, *task_ids: str) -> None:
        """What a message about these tasks sets off."""
        await self.notifier.handlers.notify(await self.tasks.load(task_ids))

    async def finish(self) -> None:
        """Wait until nothing is in hand."""
        await until(lambda: self.notifier.dispatcher.room() == SETTINGS.limits.in_hand)

    async def sweep_after(self, wait: timedelta) -> None:
        self.clock.advance(wait)
        await self.notifier.retries.sweep()
        await self.finish()

    @property
    def endpoints(self) -> Endpoints:
        """What the account's owner does with them."""
        return Endpoints(self.database, self.clock, SecretBox(SECRETS_KEY))

    async def endpoint(self, url: str, *events: str) -> tuple[str, str]:
        """A new one's id and secret."""
        new = NewEndpoint(url, events or (EVERYTHING,))
        made, secret = await self.endpoints.create(self.account_id, new)
        return made.id, secret

    async def stored_endpoint(self, endpoint_id: str) -> Endpoint:
        return await self.endpoints.get(self.account_id, endpoint_id)

    async def happen(self, kind: AccountEventType, event_id: str = "evt_1", **data: Any) -> AccountEvent:
        """Something that the account is told of; gives it as it was recorded."""
        event = AccountEvent(event_id, self.account_id, kind, data, self.clock.now())
        await AccountEvents(self.database).record([event])
        return event

    async def tell(self) -> None:
        """One sweep of the account events, and everything it sends."""
        await self.notifier.account_events.sweep()
        await self.finish()

    async def deliveries(self) -> list[Document]:
        return await self.database["deliveries"].find().sort("_id").to_list()

    async def delivery(self) -> Document:
        """The only one."""
        (document,) = await self.deliveries()
        return document

    async def waiting_tasks(self) -> int:
        return await self.database["tasks"].count_documents({"wake_at": {"$exists": True}})


TaskStoreOf = Callable[[Database, ManualClock, Role], TaskStore]


@asynccontextmanager
async def open_rig(
    database: Database,
    clock: ManualClock | None = None,
    killpoints: KillPoints | None = None,
    store: TaskStoreOf = TaskStore,
) -> AsyncIterator[Rig]:
    clock = clock or ManualClock()
    accounts = Accounts(database, clock, SecretBox(SECRETS_KEY))
    tasks = store(database, clock, Role.NOTIFIER)
    account, secret = await accounts.create(f"{await database['accounts'].count_documents({})}@example.org")
    async with guarded_session(EgressPolicy.from_settings(SETTINGS)) as session:
        notifier = assemble(
            database,
            clock,
            tasks,
            session,
            SETTINGS,
            killpoints or KillPoints(),
            jitter=lambda: 0.0,
            monotonic=lambda: clock.now().timestamp(),
        )
        yield Rig(database, clock, notifier, tasks, account.id, secret)
        await notifier.drain()
