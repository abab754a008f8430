"""Waiting for tasks: woken by the broker's bell, with a look of the whole process now and then as the net."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import structlog
from fastapi import Request

from services.api.errors import MalformedRequest
from services.api.tasks import TaskReader
from shared.bus.events import EventType
from shared.errors import HatcheryError
from shared.mongo import is_unavailable
from shared.tasks.lifecycle import FINAL
from shared.tasks.model import Task
from shared.waiting import cancel

log = structlog.get_logger()

ENDINGS: Final = (EventType.TASK_COMPLETED, EventType.TASK_FAILED, EventType.TASK_CANCELLED)
"""The events that a process listens to all the time. One message tells of up to a hundred tasks, which is
less than binding and unbinding would cost."""
LOOK_SECONDS: Final = 2.0
"""Between looks at what is waited for: one query for all of it, none while nobody waits."""
MOST_SECONDS: Final = 60
MOST_WAITERS: Final = 500
_MOST_DIGITS: Final = 4


class TooManyWaiters(HatcheryError):
    """Too many clients wait for tasks at the moment. Read the task again in a few seconds."""

    code, status, retry_after_seconds = "service_unavailable", 503, 5


class Bell:
    """Wakes who waits for a task."""

    def __init__(
        self, tasks: TaskReader, most: int = MOST_WAITERS, look_seconds: float = LOOK_SECONDS
    ) -> None:
        self._tasks = tasks
        self._most = most
        self._look_seconds = look_seconds
        self._waiters: dict[str, set[asyncio.Event]] = {}
        self._versions: dict[str, int] = {}
        self.closed = False

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self._waiters.values()))

    def admit(self) -> None:
        """Raises TooManyWaiters."""
        if self.waiting >= self._most:
            raise TooManyWaiters

    @contextmanager
    def of(self, task_id: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the task may have changed."""
        rung = asyncio.Event()
        self._waiters.setdefault(task_id, set()).add(rung)
        if self.closed:
            rung.set()
        try:
            yield rung
        finally:
            self._waiters[task_id].discard(rung)
            if not self._waiters[task_id]:
                del self._waiters[task_id]
                self._versions.pop(task_id, None)

    def ring(self, task_ids: Iterable[str]) -> None:
        """These tasks have changed."""
        for task_id in task_ids:
            for rung in self._waiters.get(task_id, ()):
                rung.set()

    def close(self) -> None:
        """Wake all, for good: the process is about to end."""
        self.closed = True
        self.ring(list(self._waiters))

    async def run(self) -> None:
        """Look now and then, until cancelled: events can be lost, and not every change has one."""
        while True:
            await asyncio.sleep(self._look_seconds)
            if not self._waiters:
                continue
            try:
                self._notice(await self._tasks.versions(list(self._waiters)))
            except Exception as error:
                if not is_unavailable(error):
                    log.exception("look at waiting tasks failed")
                    continue
                log.warning("waiting tasks not looked at", reason=type(error).__name__)

    def _notice(self, versions: Mapping[str, int]) -> None:
        self.ring(
            [task_id for task_id, version in versions.items() if self._versions.get(task_id) != version]
        )
        self._versions = {task_id: versions[task_id] for task_id in versions if task_id in self._waiters}


class Waiting:
    """Long polls: `?wait=<seconds>` of every dialect's `GET …/tasks/{id}`."""

    def __init__(self, tasks: TaskReader, bell: Bell) -> None:
        self._tasks = tasks
        self._bell = bell

    async def task(
        self, request: Request, task_id: str, account_id: str, dialect: str | None = None
    ) -> Task | None:
        """The task, or None, as `TaskReader.get` gives it; to be called instead of that.

        With `wait` in the query (whole seconds, 0 to 60): once it is final or the time is over, as it stands
        then. Raises MalformedRequest and TooManyWaiters.
        """
        until = time.monotonic() + _seconds(request)
        task = await self._tasks.get(task_id, account_id, dialect)
        if time.monotonic() >= until or not _goes_on(task):
            return task
        self._bell.admit()
        with self._bell.of(task_id) as rung:
            leaving = asyncio.create_task(_gone(request), name=f"leaving:{task_id}")
            leaving.add_done_callback(lambda _: rung.set())
            try:
                # Anew, since the task may have ended before there was a bell for it.
                while _goes_on(task := await self._tasks.get(task_id, account_id, dialect)):
                    in_time = await rings(rung, until - time.monotonic())
                    if not in_time or leaving.done() or self._bell.closed:
                        break
                return task
            finally:
                await cancel(leaving)


def _goes_on(task: Task | None) -> bool:
    return task is not None and task.state not in FINAL


def _seconds(request: Request) -> int:
    text = request.query_params.get("wait", "0")
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and int(text) <= MOST_SECONDS):
        raise MalformedRequest(f"wait must be a whole number of seconds between 0 and {MOST_SECONDS}")
    return int(text)


async def _gone(request: Request) -> None:
    """Returns when the client has gone away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def rings(rung: asyncio.Event, seconds: float) -> bool:
    """Whether the bell has rung within this time; it can ring again then."""
    try:
        async with asyncio.timeout(seconds):
            await rung.wait()
    except TimeoutError:
        return False
    rung.clear()
    return True
