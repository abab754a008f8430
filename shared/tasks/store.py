"""Guarded moves: every change of a task is one conditional update of its one document."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from pydantic import ValidationError
from pymongo import ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError
from pymongo.read_concern import ReadConcern

from shared.clock import Clock
from shared.ids import Prefix, new_id
from shared.mongo import Database, Document, duplicates
from shared.tasks.lifecycle import Role, State, check_move
from shared.tasks.model import Task, Waiting
from shared.webhooks.listeners import Listeners

log = structlog.get_logger()

_CLOCK_DIFFERENCE = timedelta(seconds=1)
_LONGEST_FAULT_DELAY = timedelta(minutes=1)
_KEYS_AT_ONCE = 1000

CANCELLABLE = (
    State.QUEUED,
    State.DISPATCHED,
    State.SUBMITTING,
    State.RUNNING,
    State.ATTEMPT_FAILED,
)
"""Nothing has been delivered and nothing decided yet."""
_NOBODYS = [State.QUEUED, State.DISPATCHED, State.ATTEMPT_FAILED]
"""No worker holds a lease, which `wake_at` would be."""


@dataclass(frozen=True, slots=True)
class Move:
    """A change of state of the task as it was read. It happens only if nothing has changed since."""

    task: Task
    to: State
    wake_in: timedelta | None
    """When somebody must look again; None for never."""
    set: Mapping[str, Any] = field(default_factory=dict)
    push: Mapping[str, Any] = field(default_factory=dict)
    provider: str | None = None
    """Whose workers are to be told, for a dispatch."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The ids of new tasks that were not stored: their id is taken, or the client's Idempotency-Key is."""

    taken: frozenset[str] = frozenset()
    claimed: frozenset[str] = frozenset()


class TaskStore:
    """The `tasks` collection in the hands of one service."""

    def __init__(self, database: Database, clock: Clock, role: Role) -> None:
        self._tasks = database["tasks"]
        self._listeners = Listeners(database)
        self._clock = clock
        self._role = role

    async def insert(self, documents: Sequence[Document]) -> Refused:
        """Add new tasks; those that exist already are left as they are."""
        try:
            await self._tasks.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            refused = [(one["op"]["_id"], "_id" in one["keyPattern"]) for one in duplicates(error)]
            return Refused(
                frozenset(task_id for task_id, by_id in refused if by_id),
                frozenset(task_id for task_id, by_id in refused if not by_id),
            )
        return Refused()

    async def claimed(self, account_id: str, key: str) -> Document | None:
        """`_id`, `state` and `idempotency` of the task that holds a client's Idempotency-Key.

        Only of one that no fail-over can take back.
        """
        durable = self._tasks.with_options(read_concern=ReadConcern("majority"))
        query = {"account_id": account_id, "idempotency.key": key}
        return await durable.find_one(query, {"state": 1, "idempotency": 1})

    async def stored(self, task_ids: Iterable[str]) -> set[str]:
        """Which of these tasks there are; likewise."""
        durable = self._tasks.with_options(read_concern=ReadConcern("majority"))
        found = durable.find({"_id": {"$in": list(task_ids)}}, {"_id": 1})
        return {document["_id"] async for document in found}

    async def free_key(self, task_id: str) -> None:
        """Let the client use its Idempotency-Key again."""
        await self._tasks.update_one({"_id": task_id}, {"$unset": {"idempotency": ""}})

    async def free_expired_keys(self) -> None:
        """The same for all whose time is over; what was answered goes with them."""
        expired = {"idempotency.expires_at": {"$lte": self._clock.now()}}
        while True:
            cursor = self._tasks.find(expired, {"_id": 1}).limit(_KEYS_AT_ONCE)
            if not (ids := [document["_id"] async for document in cursor]):
                return
            await self._tasks.update_many({"_id": {"$in": ids}, **expired}, {"$unset": {"idempotency": ""}})

    async def load(self, task_ids: Iterable[str]) -> list[Task]:
        """The tasks among these ids that somebody still has to look at, in no order."""
        return await self._read({"_id": {"$in": list(task_ids)}, "wake_at": {"$exists": True}})

    async def _read(self, query: Mapping[str, Any], longest_due: int | None = None) -> list[Task]:
        """The tasks of a query, or only so many of them that have been due for longest."""
        cursor = self._tasks.find(query)
        if longest_due is not None:
            cursor = cursor.sort("wake_at", 1).limit(longest_due)
        tasks, unreadable = [], []
        for document in await cursor.to_list():
            try:
                tasks.append(Task.model_validate(document))
            except ValidationError as error:
                # Written by a newer version, perhaps; its neighbours must not suffer.
                log.error("task not readable", task_id=document["_id"], errors=error.error_count())
                unreadable.append(document["_id"])
        if unreadable:
            later = self._clock.now() + _LONGEST_FAULT_DELAY
            await self._tasks.update_many({"_id": {"$in": unreadable}}, {"$set": {"wake_at": later}})
        return tasks

    async def move(self, moves: Sequence[Move]) -> list[bool]:
        """Make each move whose task is still as it was read; tells for each whether this call made it.

        Raises ForbiddenMove for a move that the lifecycle does not give to this service.
        """
        if not moves:
            return []
        now = self._clock.now()
        token = new_id(Prefix.OWNER)
        result = await self._tasks.bulk_write(
            [self._operation(move, token, now) for move in moves], ordered=False
        )
        if result.matched_count == len(moves):
            return [True] * len(moves)
        mine = self._tasks.find(
            {"_id": {"$in": [move.task.id for move in moves]}, "moved_by": token}, {"_id": 1}
        )
        won = {document["_id"] async for document in mine}
        return [move.task.id in won for move in moves]

    def _operation(self, move: Move, token: str, now: datetime) -> UpdateOne:
        task = move.task
        check_move(self._role, task.state, move.to)
        update: dict[str, Any] = {
            "$set": {
                "state": move.to,
                "version": task.version + 1,
                "moved_by": token,
                "faults": 0,
                **move.set,
            },
            "$push": {"history": {"state": move.to, "at": now}, **move.push},
        }
        if move.wake_in is None:
            update["$unset"] = {"wake_at": ""}
        else:
            update["$set"]["wake_at"] = now + move.wake_in
        return UpdateOne({"_id": task.id, "state": task.state, "version": task.version}, update)

    async def request_cancel(self, task_id: str, account_id: str) -> Task | None:
        """Note that the client wants no more of a task; None unless it is the account's and still goes on.

        The time of the first request is kept. The version stays as it is, so that a worker's next move still
        matches. A task in nobody's hands is to be looked at now.
        """
        now = self._clock.now()
        document = await self._tasks.find_one_and_update(
            {"_id": task_id, "account_id": account_id, "state": {"$in": list(CANCELLABLE)}},
            [
                {
                    "$set": {
                        "cancel_requested_at": {"$ifNull": ["$cancel_requested_at", now]},
                        "wake_at": {"$cond": [{"$in": ["$state", _NOBODYS]}, now, "$wake_at"]},
                    }
                }
            ],
            return_document=ReturnDocument.AFTER,
        )
        return None if document is None else Task.model_validate(document)

    async def wait(self, waits: Sequence[tuple[Task, Waiting]], at_most: timedelta) -> None:
        """Leave the tasks in their state and look again at the given times, or earlier: after `at_most`."""
        if not waits:
            return
        latest = self._clock.now() + at_most
        operations = [
            UpdateOne(
                {"_id": task.id, "state": task.state, "version": task.version, "cancel_requested_at": None},
                {"$set": {"wake_at": min(waiting.until, latest), "waiting": waiting.model_dump()}},
            )
            for task, waiting in waits
        ]
        await self._tasks.bulk_write(operations, ordered=False)

    async def heard(self, tasks: Iterable[Task]) -> frozenset[str]:
        """The ids of those whose end somebody wants to hear of: at a callback or an endpoint."""
        found = list(tasks)
        silent = {task.account_id for task in found if not task.callback_url}
        listening = await self._listeners.among(silent)
        return frozenset(task.id for task in found if task.callback_url or task.account_id in listening)

    async def settle_down(self, task_ids: Iterable[str]) -> None:
        """Nobody needs to look at these final tasks again."""
        await self._tasks.update_many({"_id": {"$in": list(task_ids)}}, {"$unset": {"wake_at": ""}})

    async def claim_due(
        self,
        states: Iterable[State],
        limit: int,
        hold: timedelta,
        overdue_by: timedelta | None = None,
        but_not_of: Collection[str] = (),
    ) -> list[Task]:
        """Take up to `limit` tasks whose `wake_at` has come; replicas share them out.

        Each is left with a new `wake_at` one `hold` ahead, so it comes up again should this process die, and
        is given as it was before: with the `wake_at` that has passed.
        With `overdue_by`, only tasks that are that long past their deadline; the tasks of the providers in
        `but_not_of` are left out.
        """
        now = self._clock.now()
        due: dict[str, Any] = {"state": {"$in": list(states)}, "wake_at": {"$lte": now}}
        if self._role is Role.WORKER:
            # What an api carries out itself is not a worker's to take over.
            due["mode"] = {"$ne": "sync"}
        if overdue_by is not None:
            due["deadline_at"] = {"$lte": now - overdue_by}
        if but_not_of:
            due["provider"] = {"$nin": list(but_not_of)}
        tasks = await self._read(due, limit)
        if not tasks:
            return []
        ids = [task.id for task in tasks]
        token = new_id(Prefix.OWNER)
        result = await self._tasks.update_many(
            {"_id": {"$in": ids}, **due}, {"$set": {"wake_at": now + hold, "swept_by": token}}
        )
        if result.matched_count == len(ids):
            return tasks
        cursor = self._tasks.find({"_id": {"$in": ids}, "swept_by": token}, {"_id": 1})
        mine = {document["_id"] async for document in cursor}
        return [task for task in tasks if task.id in mine]

    async def renew(self, task_ids: Iterable[str], owner: str, lease: timedelta) -> None:
        """Keep the leases that this owner still holds."""
        await self._tasks.update_many(
            {"_id": {"$in": list(task_ids)}, "owner": owner}, {"$set": {"wake_at": self._clock.now() + lease}}
        )

    async def still_owned(self, task_ids: Sequence[str], owner: str) -> dict[str, bool]:
        """Which of these tasks the owner still holds, and for each whether its client has cancelled it."""
        query = {"_id": {"$in": list(task_ids)}, "owner": owner}
        cursor = self._tasks.find(query, {"cancel_requested_at": 1})
        return {document["_id"]: "cancel_requested_at" in document async for document in cursor}

    async def give_back(self, task_ids: Iterable[str], owner: str) -> None:
        """End this owner's leases, so that another takes the tasks on at once, whatever its clock reads."""
        await self._tasks.update_many(
            {"_id": {"$in": list(task_ids)}, "owner": owner},
            {
                "$set": {"wake_at": self._clock.now() - _CLOCK_DIFFERENCE, "owner": None},
                "$inc": {"version": 1},
            },
        )

    async def record_fault(self, task: Task) -> None:
        """A handler failed on this task alone: look again later, each time later."""
        delay = min(timedelta(seconds=2 ** min(task.faults + 1, 10)), _LONGEST_FAULT_DELAY)
        await self._tasks.update_one(
            {"_id": task.id, "version": task.version},
            {"$inc": {"faults": 1}, "$set": {"wake_at": self._clock.now() + delay}},
        )
