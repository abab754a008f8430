"""One task in a worker's hands."""

from __future__ import annotations

import asyncio
from enum import StrEnum

from shared.tasks.lifecycle import State
from shared.tasks.model import Task


class Phase(StrEnum):
    """What a run is doing; only polling can be broken off without a loss."""

    SUBMITTING = "submitting"
    POLLING = "polling"
    FINISHING = "finishing"


class LeaseLost(Exception):
    """Another service has moved the task: nothing more of this run counts."""


class Run:
    """A task and what its worker has been told about it meanwhile."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.phase = Phase.SUBMITTING if task.state is State.SUBMITTING else Phase.POLLING
        self.stopping = False
        """The worker shuts down."""
        self.cancelled = task.cancel_requested_at is not None
        """The client wants no more of it."""
        self.left_behind = 0
        """Jobs that the provider may still be working on and nobody will collect."""
        self._news = asyncio.Event()
        if self.cancelled:
            self._news.set()

    def stop(self) -> None:
        self.stopping = True
        self._news.set()

    def cancel(self) -> None:
        self.cancelled = True
        self._news.set()

    def hint(self) -> None:
        """The provider says that the job is over."""
        if not (self.stopping or self.cancelled):
            self._news.set()

    async def pause(self, seconds: float) -> None:
        """Sleep until then or until there are news; a hint ends one pause, everything else all."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return
        if not (self.stopping or self.cancelled):
            self._news.clear()

    async def until_cancelled(self) -> None:
        """Return once the client has cancelled; hints meanwhile are lost on a job that is not known yet."""
        while not self.cancelled:
            await self._news.wait()
            if self.stopping:
                # The end of the process is not the end of this wait: its owner cancels it.
                await asyncio.Event().wait()
            if not self.cancelled:
                self._news.clear()
