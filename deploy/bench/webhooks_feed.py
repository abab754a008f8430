"""Tasks that have just ended, as billing leaves them for the notifier."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from shared.bus.events import Event, EventType
from shared.bus.publisher import Publisher
from shared.clock import Clock
from shared.ids import Prefix, new_id
from shared.mongo import Database, Document
from shared.tasks.lifecycle import State

NOTIFY_WAKE: Final = timedelta(seconds=5)
"""As billing sets it."""
_MORE_THAN_ENOUGH = timedelta(minutes=10)


class Feed:
    """Final tasks of one account: stored together, then told by message."""

    def __init__(self, database: Database, clock: Clock, publisher: Publisher, account_id: str) -> None:
        self._tasks = database["tasks"]
        self._clock = clock
        self._publisher = publisher
        self._account_id = account_id

    async def end(self, callback_urls: Sequence[str | None]) -> list[str]:
        """Completed tasks, one for each; gives their ids."""
        documents = [self._task(url) for url in callback_urls]
        await self._tasks.insert_many(documents, ordered=False)
        ids = [str(document["_id"]) for document in documents]
        await self._publisher.publish([Event(EventType.TASK_COMPLETED, (task_id,)) for task_id in ids])
        return ids

    def _task(self, callback_url: str | None) -> Document:
        task_id, now = new_id(Prefix.EGGAPI_TASK), self._clock.now()
        steps = (State.QUEUED, State.DISPATCHED, State.RUNNING, State.GENERATED, State.COMPLETED)
        output = {
            "key": f"images/{task_id}/0.png",
            "content_type": "image/png",
            "size": 6000,
            "width": 1024,
            "height": 1024,
        }
        return {
            "_id": task_id,
            "account_id": self._account_id,
            "key_id": "key_bench",
            "dialect": "eggapi",
            "kind": "image_generate",
            "model": "nanobanana",
            "request": {"prompt": "A boat on a lake in the evening"},
            "quote": {"unit": "image", "unit_nano": 10_000_000, "units": 1, "hold_nano": 10_000_000},
            "callback_url": callback_url,
            "state": State.COMPLETED,
            "version": len(steps),
            "outputs": [output],
            "cost_nano": 10_000_000,
            "history": [{"state": state, "at": now} for state in steps],
            "created_at": now,
            "completed_at": now,
            "deadline_at": now + _MORE_THAN_ENOUGH,
            "wake_at": now + NOTIFY_WAKE,
        }
