"""A text provider that says what the test wrote, health without a database, and calls over both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.api.text.calls import TextCalls
from services.api.text.requests import Conversation
from shared.catalog.model import Catalog, ModelEntry, ProviderEntry, Route
from shared.catalog.prices import TokenPrice
from shared.clock import DatabaseClock
from shared.providers.base import ChatDelta, ChatDone, ChatEnd, ChatRequest, Failed
from shared.providers.capabilities import Kind
from shared.routing.health import Health
from shared.tasks.lifecycle import State
from shared.tasks.model import Attempt, Task
from tests.unit.building import task_document

Said = ChatDelta | ChatEnd | Failed | Exception
ROLE = ChatDelta({"role": "assistant", "content": ""})
END = ChatEnd("stop", None)
CONVERSATION = Conversation(({"role": "user", "content": "a hen"},), {"temperature": 0.5})


def words(text: str) -> ChatDelta:
    return ChatDelta({"content": text})


@dataclass
class Scripted:
    """Says `events`, then is silent for ever if it `hangs`; whole answers are used up in order."""

    events: Sequence[Said] = ()
    answers: list[ChatDone | Failed | Exception] = field(default_factory=list)
    hangs: bool = False
    name: str = "openai"
    requests: list[ChatRequest] = field(default_factory=list)
    said: int = 0
    broken_off: int = 0
    called: asyncio.Event = field(default_factory=asyncio.Event)

    async def chat(self, request: ChatRequest) -> ChatDone | Failed:
        self.requests.append(request)
        self.called.set()
        if self.hangs:
            await self._hang()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta | ChatEnd | Failed, None]:
        self.requests.append(request)
        try:
            for event in self.events:
                if isinstance(event, Exception):
                    raise event
                self.said += 1
                yield event
        except GeneratorExit:
            self.broken_off += 1
            raise
        if self.hangs:
            await self._hang()

    async def _hang(self) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.broken_off += 1
            raise


@dataclass
class Notes:
    """Health as the test wants it; `log` tells what was asked and told, in order."""

    health: Health = field(default_factory=Health)
    log: list[tuple[str, str]] = field(default_factory=list)
    probe_is_mine: bool = True

    async def snapshot(self, at_least: datetime | None = None) -> Health:
        self.log.append(("asked", "again" if at_least is not None else ""))
        return self.health

    async def claim_probe(self, route: str) -> bool:
        self.log.append(("probe", route))
        probed = self.health.breakers[route].probed(DatabaseClock().now())
        self.health = Health(breakers={route: probed})
        return self.probe_is_mine

    async def failed(self, task_id: str, attempt: Attempt, failure: Failed) -> None:
        self.log.append(("failed", f"{attempt.route} {failure.error_class}"))

    async def works(self, route: str) -> None:
        self.log.append(("works", route))


def calls_over(notes: Notes, soft_seconds: float = 60, **providers: Scripted) -> TextCalls:
    """One model that tries the providers in this order, each with one key."""
    chain = tuple(
        Route(provider=name, generate="m", options={"seed": 7}, soft_deadline_seconds=soft_seconds)
        for name in providers
    )
    price = TokenPrice(per="token", usd_per_million_input="0.1", usd_per_million_output="0.4")
    catalog = Catalog(
        providers=dict.fromkeys(providers, ProviderEntry()),
        models={"chatty": ModelEntry(kind=Kind.CHAT, price=price, chain=chain)},
    )
    adapters = {name: {f"{name}-1": provider} for name, provider in providers.items()}
    return TextCalls(adapters, notes, catalog, DatabaseClock())


def a_text_task(seconds: float = 60) -> Task:
    """A task with so long to live."""
    now = DatabaseClock().now()
    fields = {"model": "chatty", "kind": "chat", "created_at": now}
    return Task.model_validate(
        task_document(State.RUNNING, **fields, deadline_at=now + timedelta(seconds=seconds))
    )
