"""Text calls over real adapters, against the simulator and a real database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import aiohttp
from pydantic import SecretStr

from deploy.simulator.text import prose
from services.api.text.calls import TextCalls
from services.api.text.health import BestKnownHealth
from services.api.text.requests import Conversation, Texts
from services.api.text.stream import Event, TextStream
from shared.catalog.model import BreakerSettings, Catalog, ModelEntry, ProviderEntry, Route
from shared.catalog.prices import TokenPrice
from shared.clock import DatabaseClock
from shared.ids import Prefix, new_id
from shared.mongo import Database
from shared.providers.base import ChatDelta, ChatEnd
from shared.providers.capabilities import Kind
from shared.providers.errors import ErrorClass
from shared.providers.inputs import InputImages
from shared.providers.registry import build_adapters
from shared.providers.tools import ProviderTools, TimeLimits
from shared.route_health import RouteHealth
from shared.settings import ProviderSettings
from shared.tasks.lifecycle import State
from shared.tasks.model import Attempt, Task, TaskFailure
from tests.harness.simulator import Simulator
from tests.unit.building import task_document

BASES = {"gemini": "/gemini", "openai": "/openai/v1", "openrouter": "/openrouter/api/v1"}
PROVIDERS = tuple(BASES)
MODELS = {"gemini": "gemini-2.5-flash", "openai": "gpt-4.1-mini", "openrouter": "google/gemini-2.5-flash"}
PATIENT = TimeLimits()
HASTY = TimeLimits(
    generate=timedelta(seconds=0.4), first_event=timedelta(seconds=0.4), idle=timedelta(seconds=0.4)
)
CALM = BreakerSettings(failures=100)


class MovableClock(DatabaseClock):
    """The time that passes, and more when told to."""

    def forward(self, seconds: float) -> None:
        self._offset_seconds += seconds


class Wire:
    """A session that notes which provider each call goes to, in order."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(self._note)
        self.session = aiohttp.ClientSession(trace_configs=[trace])

    async def _note(
        self, _: aiohttp.ClientSession, __: SimpleNamespace, call: aiohttp.TraceRequestStartParams
    ) -> None:
        self.reached.append(call.url.path.split("/")[1])


@dataclass
class Told:
    """What one client has been told, event by event or at once."""

    attempts: tuple[Attempt, ...] = ()
    failure: TaskFailure | None = None
    finish_reason: str | None = None
    text: str = ""
    events: list[Event] = field(default_factory=list)

    @property
    def routes(self) -> list[str]:
        return [attempt.provider for attempt in self.attempts]

    @property
    def classes(self) -> list[ErrorClass | None]:
        return [attempt.error_class for attempt in self.attempts]


class Rig:
    """One database, one simulator and a clock; as many processes as a test wants."""

    def __init__(self, simulator: Simulator, database: Database, wire: Wire) -> None:
        self.clock = MovableClock()
        self.prompt = f"a hen called {new_id(Prefix.EGGAPI_TASK)}"
        self._simulator = simulator
        self._database = database
        self._wire = wire

    @property
    def reached(self) -> list[str]:
        """The provider of each call, in order, as they left."""
        return self._wire.reached

    @property
    def whole(self) -> str:
        """What any healthy provider answers."""
        return prose(self.prompt, None).text

    async def rules(self, *rules: dict[str, Any]) -> None:
        """These faults, and none elsewhere; every call meets exactly one rule, which counts it."""
        await self._simulator.rules(*rules, *({"provider": provider} for provider in PROVIDERS))

    async def counted(self) -> dict[str, int]:
        """How many calls reached each provider since the rules were set, as the simulator counts them."""
        async with self._wire.session.get(f"{self._simulator.url}/_sim/rules") as answer:
            rules = (await answer.json())["rules"]
        self._wire.reached.pop()
        return {
            provider: sum(rule["matched"] for rule in rules if rule["provider"] == provider)
            for provider in PROVIDERS
        }

    async def jobs(self) -> list[dict[str, Any]]:
        """The calls that providers took to work on."""
        return await self._simulator.jobs(self.prompt)

    def process(
        self,
        *providers: str,
        limits: Mapping[str, TimeLimits] | None = None,
        soft: Mapping[str, float] | None = None,
        keys: Mapping[str, int] | None = None,
        breaker: BreakerSettings = CALM,
        database: Database | None = None,
    ) -> TextCalls:
        """An api whose one model tries these providers in order.

        `soft`: soft deadlines in seconds; `keys`: how many keys a provider has, where it is not one.
        """
        catalog = Catalog(
            providers={name: ProviderEntry(breaker=breaker) for name in providers},
            models={"chatty": _model(providers, soft or {})},
        )
        settings = {
            name: ProviderSettings(
                keys=[SecretStr(f"{name}-{number}") for number in range((keys or {}).get(name, 1))],
                base_url=f"{self._simulator.url}{BASES[name]}",
            )
            for name in providers
        }
        session = self._wire.session

        def tools_for(provider: str) -> ProviderTools:
            return ProviderTools(session, InputImages(session), limits=(limits or {}).get(provider, PATIENT))

        health = RouteHealth(self._database if database is None else database, self.clock, catalog)
        return TextCalls(build_adapters(settings, tools_for), BestKnownHealth(health), catalog, self.clock)

    def task(self, seconds: float = 60) -> Task:
        """A task with so long to live."""
        now = self.clock.now()
        deadline = now + timedelta(seconds=seconds)
        fields = {"model": "chatty", "kind": "chat", "created_at": now, "deadline_at": deadline}
        return Task.model_validate(task_document(State.RUNNING, **fields))

    @property
    def conversation(self) -> Conversation:
        return Conversation(({"role": "user", "content": self.prompt},))

    @property
    def texts(self) -> Texts:
        return Texts((self.prompt, "an egg"), dimensions=16)

    def stream(self, calls: TextCalls, seconds: float = 60) -> TextStream:
        return calls.stream(self.task(seconds), self.conversation)

    async def ask(self, calls: TextCalls, mode: str = "chat", seconds: float = 60) -> Told:
        """One answer, at once or streamed."""
        if mode == "stream":
            return await self._read(self.stream(calls, seconds))
        outcome = await calls.chat(self.task(seconds), self.conversation)
        told = Told(outcome.attempts, outcome.failure)
        if outcome.answer is not None:
            told.finish_reason = outcome.answer.finish_reason
            told.text = outcome.answer.message["content"]
        return told

    async def _read(self, stream: TextStream) -> Told:
        async with aclosing(stream):
            events = [event async for event in stream]
        told = Told(stream.attempts, stream.failure, events=events)
        told.text = "".join(_texts(events))
        if stream.end is not None:
            told.finish_reason = stream.end.finish_reason
        _check_shape(events, stream)
        return told


def _texts(events: Sequence[Event]) -> Iterator[str]:
    for event in events:
        if isinstance(event, ChatDelta):
            yield event.delta.get("content") or ""


def _check_shape(events: Sequence[Event], stream: TextStream) -> None:
    """Whatever happens: pieces, then exactly one ending, which the stream remembers; one role at most."""
    *pieces, ending = events
    assert all(isinstance(piece, ChatDelta) for piece in pieces)
    assert isinstance(ending, ChatEnd | TaskFailure)
    assert (stream.end, stream.failure) in ((ending, None), (None, ending))
    assert sum("role" in piece.delta for piece in pieces if isinstance(piece, ChatDelta)) <= 1


def _model(providers: Sequence[str], soft: Mapping[str, float]) -> ModelEntry:
    return ModelEntry(
        kind=Kind.CHAT,
        price=TokenPrice(per="token", usd_per_million_input="0.1", usd_per_million_output="0.4"),
        chain=tuple(
            Route(provider=name, generate=MODELS[name], soft_deadline_seconds=soft.get(name, 60))
            for name in providers
        ),
    )
