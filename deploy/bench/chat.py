"""`hatchery bench chat`: what a chat costs beyond the provider's own time, beside other gateways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from deploy.bench.chat_catalog import MODEL, SIMULATED_KEY, SIMULATED_PATH, UPSTREAM
from deploy.bench.chat_generator import ChatGenerator, chat_generator
from deploy.bench.chat_messages import ChatPlan, Gateway
from deploy.bench.chat_other import other_gateway
from deploy.bench.chat_phase import DIRECT, OTHER, OWN, measured, memory_mib, others_percent
from deploy.bench.chat_result import ChatResult, Phase, ratios
from deploy.bench.cpu import cpu_seconds, machine_seconds
from deploy.bench.errors import BenchError
from deploy.bench.machine import machine_facts
from deploy.bench.pipeline import Watch
from deploy.bench.simulated import provider_pace
from deploy.bench.target import Target
from shared.accounts.account import Accounts
from shared.accounts.key import Keys
from shared.clock import DatabaseClock
from shared.ids import Prefix, new_id
from shared.ledger.chain import Ledger
from shared.ledger.entry import topup
from shared.ledger.verify import Verification
from shared.money import nano_from_usd
from shared.mongo import Database, connect
from shared.secrets import SecretBox
from shared.tasks.lifecycle import FINAL, State

REQUESTS_PER_MINUTE = 60_000_000
"""The limit counts every request and refuses none."""
USD = "1000000"
SETTLE_SECONDS = 120.0
LOOK_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure, and against whom."""

    seconds: float = 5.0
    warm_up_seconds: float = 1.0
    concurrencies: tuple[int, ...] = (1, 16, 64)
    versus: Gateway | None = None
    versus_command: str | None = None
    """Starts it; else it runs already, and its CPU and memory are not counted."""


@dataclass
class _Seen:
    phases: list[Phase] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    answered: int = 0
    """By Hatchery, those of the warm-ups too."""


class Chat:
    """One measurement of a stack that sells the catalog of `deploy.bench.chat_catalog`."""

    def __init__(self, target: Target, options: Options, watch: Watch) -> None:
        self._target = target
        self._options = options
        self._watch = watch
        self._mongo = connect(target.settings.mongo_url)
        self._database: Database = self._mongo[target.settings.mongo_database]
        self._tasks = self._database["tasks"]
        self._pids = dict(target.pids)

    async def run(self) -> ChatResult:
        """Raises `BenchError`; a result with failures is a result."""
        seen = _Seen()
        async with self._mongo:
            clock = DatabaseClock()
            await clock.read(self._mongo)
            gateways = await self._gateways(clock)
            async with (
                self._other(),
                chat_generator() as generator,
                provider_pace(self._target.simulator_url, 0),
            ):
                self._pids["load_generator"] = [generator.pid]
                for stream in (False, True):
                    for concurrency in self._options.concurrencies:
                        await self._round(generator, gateways, seen, stream, concurrency)
                memory = memory_mib(self._pids)
            self._watch.phase("ledger verify", 0)
            await clock.read(self._mongo)
            report = await Verification(self._database, clock.now()).run()
            charged = await self._tasks.count_documents({"state": State.COMPLETED})
            if charged != seen.answered:
                seen.problems.append(f"{seen.answered} requests were answered and {charged} charged")
            return ChatResult(
                phases=seen.phases,
                memory_mib=memory,
                ratios=ratios(seen.phases, OWN, OTHER),
                charged=charged,
                failed=sum(phase.failed for phase in seen.phases),
                problems=seen.problems,
                verify="clean" if report.clean else "violated",
                violations=[f"{one.invariant} {one.subject}: {one.detail}" for one in report.violations],
                machine=await machine_facts(self._database, self._target),
            )

    async def _gateways(self, clock: DatabaseClock) -> dict[str, Gateway]:
        """The simulator first: the others are compared with it."""
        settings = self._target.settings
        accounts = Accounts(self._database, clock, SecretBox(settings.secrets_key.get_secret_value()))
        account, _ = await accounts.create(f"{new_id(Prefix.TOPUP)}@bench.example.org")
        money = topup(new_id(Prefix.TOPUP), nano_from_usd(USD), {"actor": "bench"})
        await Ledger(self._database, clock).append({account.id: [money]})
        keys = Keys(self._database, clock, settings.key_pepper)
        _, key = await keys.create(account.id, "bench", requests_per_minute=REQUESTS_PER_MINUTE)
        simulator = f"{self._target.simulator_url}{SIMULATED_PATH}"
        gateways = {
            DIRECT: Gateway(url=simulator, key=SIMULATED_KEY, model=UPSTREAM),
            OWN: Gateway(url=f"{self._target.api_url}/api/v1", key=key, model=MODEL),
        }
        return gateways | ({OTHER: self._options.versus} if self._options.versus else {})

    @asynccontextmanager
    async def _other(self) -> AsyncIterator[None]:
        command, versus = self._options.versus_command, self._options.versus
        if command is None or versus is None:
            yield
            return
        self._watch.phase("start the other gateway", 0)
        simulator = f"{self._target.simulator_url}{SIMULATED_PATH}"
        async with other_gateway(command, versus.url, simulator) as pid:
            self._pids[OTHER] = [pid]
            yield

    async def _round(
        self,
        generator: ChatGenerator,
        gateways: Mapping[str, Gateway],
        seen: _Seen,
        stream: bool,
        concurrency: int,
    ) -> None:
        """The same load for each gateway, one right after the other."""
        direct: Phase | None = None
        for name, gateway in gateways.items():
            kind = "streamed" if stream else "whole"
            self._watch.phase(f"{concurrency} clients, {kind}, {name}", 0)
            plan = ChatPlan(
                gateway=gateway,
                stream=stream,
                concurrency=concurrency,
                seconds=self._options.seconds,
                warm_up_seconds=self._options.warm_up_seconds,
            )
            before, machine_before = cpu_seconds(self._pids), machine_seconds()
            load = await generator.run(plan)
            if name == OWN:
                await self._settled()
            after, machine_after = cpu_seconds(self._pids), machine_seconds()
            spent = {process: after[process] - before[process] for process in after}
            other = others_percent(spent, machine_before, machine_after)
            phase = measured(name, plan, load, spent, other, direct)
            direct = direct or phase
            seen.phases.append(phase)
            seen.answered += load.sent - load.failed if name == OWN else 0
            seen.problems += [f"{name}: {problem}" for problem in load.problems]
            if not phase.requests:
                raise BenchError(f"No request to {name} was answered: {load.problems}")

    async def _settled(self) -> None:
        """Until every request is charged: its charge is a part of what it costs."""
        unfinished = {"state": {"$nin": sorted(FINAL)}}
        for _ in range(int(SETTLE_SECONDS / LOOK_SECONDS)):
            if await self._tasks.find_one(unfinished, {"_id": 1}) is None:
                return
            await asyncio.sleep(LOOK_SECONDS)
        raise BenchError(f"Not every chat was charged within {SETTLE_SECONDS:.0f} s.")
