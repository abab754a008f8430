"""The jobs that providers took, from submission to their end."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from deploy.simulator.clock import rfc3339, rfc3339_or_none
from deploy.simulator.faults import Fault, Then

State = Literal["queued", "running", "succeeded", "failed", "cancelled", "aborted"]

# Jobs begin after this part of their latency, so both the queued and the running state can be observed.
_QUEUED_SHARE = 0.2
_ENDS_UNSTARTED = frozenset((Fault.ABORTED, Fault.USER_DEADLINE))
_RECHECK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a job or a request fails, in one provider's words.

    `status`, `body`, `headers`: the HTTP answer that tells it. `error`, `error_type`: the words in a job's
    status; without `error` only the answer tells.
    """

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    error_type: str | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Job:
    """One accepted submission. Times are Unix seconds; `due` is infinite for a job that never finishes."""

    provider: str
    id: str
    model: str
    prompt: str
    input: Mapping[str, Any]
    size: tuple[int, int]
    images: int
    then: Then
    submitted: float
    starts: float
    due: float
    min_polls: int
    deadline: float | None = None
    deadline_covers_run: bool = False
    polls: int = 0
    problem: Problem | None = None
    fetching: bool = False
    """Its input images are still on the way; it cannot finish before they are here."""
    thumbnails: tuple[bytes, ...] = ()
    seconds: float | None = None
    """How long its video is; None for a job that makes pictures."""
    files: tuple[str, ...] | None = None
    callback_url: str | None = None
    callbacks: int = 0
    """Messages sent to the caller, repeated tries counted."""
    cancel_requested: bool = False
    ending: asyncio.Event | None = None
    """Set at the end; there while somebody waits for it."""
    ended: State | None = None
    finished: float | None = None

    def count_poll(self) -> bool:
        """Count one status poll; True while the rule wants polls to go wrong."""
        self.polls += 1
        return self.polls <= self.then.count

    def advance(self, *, watched: bool = False) -> State:
        """The state now. `watched`: somebody waits on an open request, which stands for all polls."""
        if self.ended is not None:
            return self.ended
        now = time.time()
        if self.deadline is not None and now >= self.deadline and self.due > self.deadline:
            if self.starts > self.deadline:
                return self._end("aborted", self.deadline)
            if self.deadline_covers_run:
                return self._end("cancelled", self.deadline)
        if now >= self.due and not self.fetching and (watched or self.polls >= self.min_polls):
            # Where polls hold the end back, the poll that finds it is the end.
            at = now if self.min_polls else self.due
            return self._end(self._outcome(), at)
        waits_for_first_poll = not watched and self.min_polls > 1 and self.polls <= 1
        return "queued" if now < self.starts or waits_for_first_poll else "running"

    def cancel(self) -> bool:
        """Stop it, or only take note when it cannot be stopped; False when it has ended already."""
        if self.advance() not in ("queued", "running"):
            return False
        self.cancel_requested = True
        if self.then.fault is not Fault.LATE:
            self._end("cancelled", time.time())
        return True

    async def turn(self) -> None:
        """Wait until time or a cancel may have changed the state."""
        if self.ending is None:
            self.ending = asyncio.Event()
        now = time.time()
        moments = [at for at in (self.starts, self.due, self.deadline) if at is not None and at > now]
        pause = min(moments, default=math.inf) - now
        passed = any(at is not None and at <= now for at in (self.due, self.deadline))
        if self.fetching or passed:
            pause = min(pause, _RECHECK_SECONDS)
        try:
            await asyncio.wait_for(self.ending.wait(), None if pause == math.inf else pause)
        except TimeoutError:
            return

    def finish(self, state: State) -> None:
        """End it now, as calls end that are answered where they were asked; the first end stays."""
        if self.ended is None:
            self._end(state, time.time())

    def _outcome(self) -> State:
        if self.then.fault in _ENDS_UNSTARTED:
            return "aborted"
        return "failed" if self.problem else "succeeded"

    def _end(self, state: State, at: float) -> State:
        self.ended, self.finished = state, at
        if self.ending is not None:
            self.ending.set()
        return state

    def listing(self) -> dict[str, Any]:
        """The row of `GET /_sim/jobs`."""
        state = self.advance()
        return {
            "provider": self.provider,
            "job_id": self.id,
            "model": self.model,
            "prompt": self.prompt,
            "submitted_at": rfc3339(self.submitted),
            "finished_at": rfc3339_or_none(self.finished),
            "state": state,
            "polls": self.polls,
            "cancelled": state == "cancelled",
            "cancel_requested": self.cancel_requested,
            "callbacks": self.callbacks,
            "input": self.input,
        }


def timing(now: float, latency: float, then: Then) -> tuple[float, float]:
    """When a job of `latency` seconds taken at `now` starts and is due."""
    if then.fault in _ENDS_UNSTARTED:
        return now + latency, now + latency
    due = math.inf if then.fault is Fault.NEVER_FINISHES else now + latency
    return now + latency * _QUEUED_SHARE, due


class JobBook:
    """Every accepted submission, oldest first, at most `limit`."""

    def __init__(self, limit: int = 200_000) -> None:
        self._limit = limit
        self._jobs: dict[tuple[str, str], Job] = {}

    def add(self, job: Job) -> None:
        self._jobs[job.provider, job.id] = job
        if len(self._jobs) > self._limit:
            del self._jobs[next(iter(self._jobs))]

    def get(self, provider: str, job_id: str) -> Job | None:
        return self._jobs.get((provider, job_id))

    def clear(self) -> None:
        self._jobs.clear()

    def select(self, provider: str | None, since: float | None) -> Iterator[Job]:
        """Jobs of one provider (None: all) submitted at `since` (Unix seconds) or later."""
        for job in self._jobs.values():
            if (provider is None or job.provider == provider) and (since is None or job.submitted >= since):
                yield job

    def latest(self, provider: str, limit: int) -> list[Job]:
        """The newest jobs of a provider, newest first."""
        found: list[Job] = []
        for job in reversed(self._jobs.values()):
            if job.provider == provider:
                found.append(job)
                if len(found) == limit:
                    break
        return found


def without_big_data(value: Any, longest: int = 500) -> Any:
    """A copy of a JSON value with long strings cut, so that data URIs do not fill the memory."""
    if isinstance(value, str):
        return value if len(value) <= longest else f"{value[:longest]}… ({len(value)} characters)"
    if isinstance(value, dict):
        return {key: without_big_data(item, longest) for key, item in value.items()}
    if isinstance(value, list):
        return [without_big_data(item, longest) for item in value[:32]]
    return value
