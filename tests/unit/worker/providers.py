"""A provider whose every answer is written by the test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from shared.providers.base import Accepted, Done, Failed, GenerationRequest, Output, ProviderJob, Running

JOB = ProviderJob(("job_1",))

Poll = Running | Done | Failed


@dataclass
class Scripted:
    """`submits` and `polls` are used up from the front, the last one stays. `on_poll` runs before each."""

    submits: list[Accepted | Done | Failed | Exception] = field(default_factory=lambda: [Accepted(JOB)])
    polls: list[Poll] = field(default_factory=lambda: [Running()])
    on_poll: Callable[[int], None] = lambda _: None
    name: str = "fal"
    holds_submits: bool = False
    """Submissions wait for `let_go`."""
    requests: list[GenerationRequest] = field(default_factory=list)
    polled: list[ProviderJob] = field(default_factory=list)
    cancelled: list[ProviderJob] = field(default_factory=list)
    broken_off: int = 0
    called: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a submission has come."""
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def submit(self, request: GenerationRequest) -> Accepted | Done | Failed:
        self.requests.append(request)
        self.called.set()
        try:
            if self.holds_submits:
                await self.let_go.wait()
        except asyncio.CancelledError:
            self.broken_off += 1
            raise
        answer = self.submits.pop(0) if len(self.submits) > 1 else self.submits[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def poll(self, job: ProviderJob) -> Poll:
        self.polled.append(job)
        self.on_poll(len(self.polled))
        return self.polls.pop(0) if len(self.polls) > 1 else self.polls[0]

    async def cancel(self, job: ProviderJob) -> None:
        self.cancelled.append(job)


def done(*pieces: bytes, cost_nano: int | None = None) -> Done:
    """Finished with these files."""
    return Done(tuple(Output(data=piece) for piece in pieces), cost_nano)
