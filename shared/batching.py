"""Group commit: callers hand in one thing each, one task commits what has gathered."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

Commit = Callable[[Sequence[T]], Awaitable[Sequence[R | BaseException]]]


class BatcherClosed(RuntimeError):
    """The batcher takes nothing more: its owner is stopping."""


class Batcher(Generic[T, R]):
    """Commits in groups whatever has queued while the previous commit was on its way.

    A lone caller waits for nobody. With `gather_seconds`, a group of several is followed by a pause, so that
    the next one is larger: for work whose callers are in no hurry. `commit` gets at most `limit` items and
    returns one result or exception per item, in order; if it raises, every caller of the group gets that
    exception.
    """

    def __init__(self, name: str, commit: Commit[T, R], limit: int = 128, gather_seconds: float = 0) -> None:
        self._name = name
        self._commit = commit
        self._limit = limit
        self._gather_seconds = gather_seconds
        self._queue: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._committer: asyncio.Task[None] | None = None
        self._closed = False

    async def submit(self, item: T) -> R:
        """The item's own result. A caller that is cancelled does not take its item back."""
        if self._closed:
            raise BatcherClosed(f"{self._name} is closed")
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._queue.append((item, future))
        if self._committer is None:
            self._committer = asyncio.create_task(self._commit_all(), name=f"batcher:{self._name}")
        return await future

    async def close(self) -> None:
        """Commit what is queued, then refuse more."""
        self._closed = True
        if self._committer is not None:
            await self._committer

    async def _commit_all(self) -> None:
        # One turn of the loop lets callers that are ready at the same moment join the first group.
        await asyncio.sleep(0)
        try:
            while self._queue:
                group = [self._queue.popleft() for _ in range(min(self._limit, len(self._queue)))]
                await self._commit_group(group)
                if len(group) > 1 and self._gather_seconds and not self._closed:
                    await asyncio.sleep(self._gather_seconds)
        finally:
            self._committer = None

    async def _commit_group(self, group: list[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            results = await self._commit([item for item, _ in group])
            resolved = list(zip(group, results, strict=True))
        except BaseException as error:
            for _, future in group:
                _resolve(future, error if isinstance(error, Exception) else BatcherClosed(self._name))
            if not isinstance(error, Exception):
                raise
            return
        for (_, future), result in resolved:
            _resolve(future, result)


def _resolve(future: asyncio.Future[R], result: R | BaseException) -> None:
    if future.done():
        return
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)
