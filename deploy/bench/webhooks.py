"""`hatchery bench webhooks`: what deliveries cost, when they come, and what dead receivers do to others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from deploy.bench.cpu import cpu_seconds, machine_seconds
from deploy.bench.errors import BenchError
from deploy.bench.machine import database_facts
from deploy.bench.pipeline import Watch
from deploy.bench.quantiles import quantiles
from deploy.bench.webhooks_feed import Feed
from deploy.bench.webhooks_receivers import Receivers
from deploy.bench.webhooks_result import Paced, Round, Sent, WebhooksResult, ratios, round_of, rounds_of
from deploy.bench.webhooks_stack import NotifierStack, notifier_stack
from shared.accounts.account import Accounts
from shared.bus.publisher import Publisher
from shared.clock import DatabaseClock
from shared.mongo import Database, connect, ensure_indexes
from shared.secrets import SecretBox
from shared.waiting import cancel
from shared.webhooks.endpoint import NewEndpoint
from shared.webhooks.endpoints import Endpoints

WARM_UP: Final = 200
GROUP: Final = 64
"""Tasks that end together, as billing settles them under load."""
IN_FLIGHT: Final = 512
"""Deliveries on their way or waiting; more are fed as they arrive."""
PACED_PER_SECOND: Final = 50
LOOK_EVERY_SECONDS: Final = 0.02
LOOKS: Final = 6000
"""Two minutes of them; then it is given up."""
CONNECT_SECONDS: Final = 20.0
DEAD_SHARE: Final = 5
"""One of so many receivers is dead."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure."""

    deliveries: int = 5000
    """By callbacks, and again by an endpoint, for the costs."""
    paced: int = 500
    """One at a time, for the times."""
    at_once: int = 1000
    """Deliveries of each round with dead receivers and without."""
    receivers: int = 20
    rounds: int = 3
    """With dead receivers, and as many without."""


@dataclass(frozen=True)
class _Bench:
    stack: NotifierStack
    database: Database
    feed: Feed
    endpoints: Endpoints
    account_id: str


class Webhooks:
    """One measurement on a stack of its own."""

    def __init__(self, options: Options, watch: Watch) -> None:
        self._options = options
        self._watch = watch

    async def run(self) -> WebhooksResult:
        """Raises BenchError and StackError."""
        self._watch.phase("starting", 0)
        dead = max(1, self._options.receivers // DEAD_SHARE)
        hanging, failing = dead - dead // 2, dead // 4
        receivers = Receivers(self._options.receivers + 1, hanging, failing, dead - hanging - failing)
        async with receivers, notifier_stack(receivers) as stack, _opened(stack) as bench:
            return await self._measure(bench, receivers)

    async def _measure(self, bench: _Bench, receivers: Receivers) -> WebhooksResult:
        url = receivers.living[-1]
        await self._send(bench, receivers, url, WARM_UP, "warming up")
        paced = await self._paced(bench, receivers, url)
        callbacks = await self._send(bench, receivers, url, self._options.deliveries, "callbacks")
        await bench.endpoints.create(bench.account_id, NewEndpoint(url))
        # The notifier looks for endpoints at every task; nothing of the callbacks is left.
        endpoint = await self._send(bench, receivers, None, self._options.deliveries, "an endpoint")
        await bench.database["webhook_endpoints"].delete_many({})
        without: list[Round] = []
        beside: list[Round] = []
        for number in range(self._options.rounds):
            self._watch.phase(f"dead receivers, {number + 1} of {self._options.rounds}", 0)
            # In turns the first, since the machine's speed drifts.
            for dead in (receivers.dead, []) if number % 2 else ([], receivers.dead):
                (beside if dead else without).append(await self._round(bench, receivers, dead))
        alone, together = rounds_of(without), rounds_of(beside)
        return WebhooksResult(
            paced=paced,
            callbacks=callbacks,
            endpoint=endpoint,
            receivers=self._options.receivers,
            dead=len(receivers.dead),
            without_dead=alone,
            beside_dead=together,
            ratio=ratios(alone, together),
            machine=await database_facts(bench.database),
        )

    async def _paced(self, bench: _Bench, receivers: Receivers, url: str) -> Paced:
        """Tasks that end one after the other, so that none waits for another."""
        self._watch.phase("one at a time", self._options.paced)
        for _ in range(self._options.paced):
            await bench.feed.end([url])
            await asyncio.sleep(1 / PACED_PER_SECOND)
        heard = await _all_heard(receivers, self._options.paced)
        times = await _since_final(bench.database, heard)
        return Paced(deliveries=len(times), final_to_post_ms=quantiles(times))

    async def _send(
        self, bench: _Bench, receivers: Receivers, url: str | None, count: int, phase: str
    ) -> Sent:
        """As many as the notifier can, and what they cost until the last is recorded."""
        self._watch.phase(phase, count)
        cpu, machine = cpu_seconds(bench.stack.pids), machine_seconds()
        began = time.time()
        fed = arrived = 0
        for _ in range(LOOKS + count):
            while fed < count and fed - arrived < IN_FLIGHT:
                fed += len(await bench.feed.end([url] * min(GROUP, count - fed)))
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            arrived = sum(await receivers.counts())
            self._watch.finished(arrived)
            if arrived >= count:
                break
        else:
            raise BenchError("Deliveries did not come.")
        await _recorded(bench.database)
        spent = {name: total - cpu[name] for name, total in cpu_seconds(bench.stack.pids).items()}
        busy, elapsed = (now - then for then, now in zip(machine, machine_seconds(), strict=True))
        last = max(max(heard.values(), default=0.0) for heard in await receivers.take())
        return Sent(
            deliveries=count,
            deliveries_per_second=round(count / (last - began), 1),
            cpu_ms_per_delivery={name: round(ms * 1000 / count, 3) for name, ms in spent.items()},
            machine_busy_percent=round(busy / elapsed * 100, 1),
        )

    async def _round(self, bench: _Bench, receivers: Receivers, dead: Sequence[str]) -> Round:
        """Deliveries to all receivers at once: how long those took whose receivers live in every round."""
        for name in ("tasks", "deliveries"):
            await bench.database[name].delete_many({})
        await bench.stack.renew()
        # Not at the receivers that count: of those it knows nothing yet.
        await self._warm(bench, receivers)
        always = self._options.receivers - len(receivers.dead)
        urls = [*receivers.living[: self._options.receivers - len(dead)], *dead]
        targets = [urls[number % len(urls)] for number in range(self._options.at_once)]
        await bench.feed.end(targets)
        heard = await _all_heard(receivers, sum(target not in dead for target in targets))
        return round_of([await _since_final(bench.database, [one]) for one in heard[:always]])

    async def _warm(self, bench: _Bench, receivers: Receivers) -> None:
        await bench.feed.end([receivers.living[-1]] * GROUP)
        await _all_heard(receivers, GROUP)


async def _all_heard(receivers: Receivers, count: int) -> Sequence[dict[str, float]]:
    for _ in range(LOOKS):
        if sum(await receivers.counts()) >= count:
            return await receivers.take()
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    raise BenchError("Deliveries to living receivers did not come.")


async def _recorded(database: Database) -> None:
    for _ in range(LOOKS):
        if await database["deliveries"].find_one({"wake_at": {"$exists": True}}, {"_id": 1}) is None:
            return
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    raise BenchError("Deliveries came and were not recorded.")


async def _since_final(database: Database, heard: Sequence[Mapping[str, float]]) -> list[float]:
    """Milliseconds from the final state to the receiver, by the receivers' clock."""
    at = {task_id: moment for one in heard for task_id, moment in one.items()}
    found = database["tasks"].find({"_id": {"$in": list(at)}}, {"completed_at": 1})
    return [(at[task["_id"]] - task["completed_at"].timestamp()) * 1000 async for task in found]


@asynccontextmanager
async def _opened(stack: NotifierStack) -> AsyncIterator[_Bench]:
    settings, clock = stack.settings, DatabaseClock()
    async with connect(settings.mongo_url) as client:
        await clock.read(client)
        database = client[settings.mongo_database]
        await ensure_indexes(database)
        secrets = SecretBox(settings.secrets_key.get_secret_value())
        account, _ = await Accounts(database, clock, secrets).create("bench@example.org")
        publisher = Publisher(settings.amqp_url, "bench")
        publishing = asyncio.create_task(publisher.run(), name="publisher")
        try:
            if not await publisher.wait_connected(CONNECT_SECONDS):
                raise BenchError("RabbitMQ does not answer.")
            feed = Feed(database, clock, publisher, account.id)
            yield _Bench(stack, database, feed, Endpoints(database, clock, secrets), account.id)
        finally:
            await cancel(publishing)
