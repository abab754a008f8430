"""Reading tasks for their owners. Every query that gives a task names the account."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from shared.mongo import Database
from shared.tasks.lifecycle import State
from shared.tasks.model import Task

_BATCH: Final = 500
_NEWEST_CHARGED: Final = [("completed_at", -1), ("_id", -1)]

ChargedAfter = tuple[datetime, str]
"""When a task was completed, and its id."""


@dataclass(frozen=True, slots=True)
class ChargedQuery:
    """Charged tasks completed at or after `since` and before `until`; None is no limit."""

    since: datetime | None = None
    until: datetime | None = None
    model: str | None = None
    key_id: str | None = None

    def of(self, account_id: str) -> dict[str, Any]:
        query: dict[str, Any] = {"account_id": account_id, "state": State.COMPLETED.value}
        if self.since is not None:
            query["completed_at"] = {"$gte": self.since}
        if self.until is not None:
            query["completed_at"] = {**query.get("completed_at", {}), "$lt": self.until}
        if self.model is not None:
            query["model"] = self.model
        if self.key_id is not None:
            query["key_id"] = self.key_id
        return query

    def ranges(self, account_id: str, after: ChargedAfter | None) -> list[dict[str, Any]]:
        """Those after a task, last completed first, as ranges of one index to be read one after the other.

        A single query for both would sort, or read from the beginning.
        """
        if after is None:
            return [self.of(account_id)]
        at, task_id = after
        same = {"$and": [self.of(account_id), {"completed_at": at, "_id": {"$lt": task_id}}]}
        return [same, replace(self, until=min(at, self.until or at)).of(account_id)]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of tasks, newest first, and how many there are in all."""

    tasks: list[Task]
    total: int


class TaskReader:
    """Finds an account's tasks, one dialect at a time."""

    def __init__(self, database: Database) -> None:
        self._tasks = database["tasks"]

    async def get(self, task_id: str, account_id: str, dialect: str | None = None) -> Task | None:
        """The task, of any dialect unless one is named; None for an unknown one and for somebody else's."""
        query = {"_id": task_id, "account_id": account_id}
        if dialect is not None:
            query["dialect"] = dialect
        document = await self._tasks.find_one(query)
        return None if document is None else Task.model_validate(document)

    async def versions(self, task_ids: Sequence[str]) -> dict[str, int]:
        """How often each of these tasks, of whatever account, has changed."""
        cursor = self._tasks.find({"_id": {"$in": list(task_ids)}}, {"version": 1})
        return {document["_id"]: document["version"] async for document in cursor}

    async def page(self, account_id: str, dialect: str, page: int, per_page: int) -> Page:
        """Tasks of one dialect, newest first."""
        query = {"account_id": account_id, "dialect": dialect}
        return await self._page(query, [("_id", -1)], page, per_page)

    async def charged(self, account_id: str, asked: ChargedQuery, page: int, per_page: int) -> Page:
        """Completed tasks of every dialect, last completed first."""
        return await self._page(asked.of(account_id), _NEWEST_CHARGED, page, per_page)

    async def charged_after(
        self, account_id: str, asked: ChargedQuery, after: ChargedAfter | None, limit: int
    ) -> list[Task]:
        """The same without a count, from right after a task on: as fast at the end as at the beginning."""
        found: list[Task] = []
        for query in asked.ranges(account_id, after):
            if len(found) < limit:
                cursor = self._tasks.find(query).sort(_NEWEST_CHARGED).limit(limit - len(found))
                found += [Task.model_validate(document) async for document in cursor]
        return found

    async def all_charged(self, account_id: str, asked: ChargedQuery) -> AsyncIterator[Task]:
        """All of them, a batch at a time in memory."""
        after = None
        while batch := await self.charged_after(account_id, asked, after, _BATCH):
            for task in batch:
                yield task
            if len(batch) < _BATCH:
                return
            after = (batch[-1].completed_at or batch[-1].created_at, batch[-1].id)

    async def _page(
        self, query: dict[str, Any], newest_by: list[tuple[str, int]], page: int, per_page: int
    ) -> Page:
        total = await self._tasks.count_documents(query)
        cursor = self._tasks.find(query).sort(newest_by).skip((page - 1) * per_page).limit(per_page)
        return Page([Task.model_validate(document) async for document in cursor], total)
