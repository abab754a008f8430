"""Reading tasks for their owners. Every query that gives a task names the account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.mongo import Database
from shared.tasks.lifecycle import State
from shared.tasks.model import Task


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
        return await self._page({"account_id": account_id, "dialect": dialect}, "_id", page, per_page)

    async def charged(self, account_id: str, page: int, per_page: int) -> Page:
        """Completed tasks of every dialect, last completed first."""
        query = {"account_id": account_id, "state": State.COMPLETED.value}
        return await self._page(query, "completed_at", page, per_page)

    async def _page(self, query: dict[str, Any], newest_by: str, page: int, per_page: int) -> Page:
        total = await self._tasks.count_documents(query)
        cursor = self._tasks.find(query).sort(newest_by, -1).skip((page - 1) * per_page).limit(per_page)
        return Page([Task.model_validate(document) async for document in cursor], total)
