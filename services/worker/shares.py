"""This worker's part of what the catalog lets all workers together ask of a provider.

Collection `provider_shares`: `{_id: provider, version, workers: {owner: {concurrency, rate, seen_at}}}`,
changed by compare-and-set once a second, and only for providers with a limit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog
from pymongo.errors import DuplicateKeyError

from services.worker.division import SILENT_AFTER, Part, fair_part, present
from services.worker.pacing import Pacer
from shared.catalog.model import Limits
from shared.clock import Clock
from shared.mongo import Database, Document, is_unavailable

log = structlog.get_logger()

RENEW_SECONDS = 1.0
TRIES = 5


class Shares:
    """What this worker may do at each limited provider. Nothing before the first renewal."""

    def __init__(self, database: Database, clock: Clock, owner: str, limits: Mapping[str, Limits]) -> None:
        self._shares = database["provider_shares"]
        self._clock = clock
        self._owner = owner
        self._limits = {name: one for name, one in limits.items() if one != Limits()}
        self._parts: dict[str, Part] = {}
        self.pacers: Mapping[str, Pacer] = {
            name: Pacer() for name, one in self._limits.items() if one.requests_per_second is not None
        }

    def concurrency(self, provider: str) -> int | None:
        """Attempts that this worker may have in hand; None: as many as it likes."""
        limits = self._limits.get(provider)
        if limits is None or limits.concurrency is None:
            return None
        part = self._parts.get(provider)
        if part is None or self._clock.now() - part.seen_at >= SILENT_AFTER:
            # Others have taken this worker for gone.
            return 0
        return part.concurrency

    def behind(self, provider: str) -> bool:
        """Whether the calls in hand already take all that the provider's rate allows."""
        pacer = self.pacers.get(provider)
        return pacer is not None and pacer.behind

    async def keep(self, in_hand: Callable[[str], int]) -> None:
        """Renew once a second until cancelled."""
        while True:
            try:
                await self.renew(in_hand)
            except Exception as error:
                if not is_unavailable(error):
                    raise
                log.warning("shares not renewed", reason=type(error).__name__)
            await asyncio.sleep(RENEW_SECONDS)

    async def renew(self, in_hand: Callable[[str], int]) -> None:
        """Take a fair part of every limited provider, as far as the others have let go."""
        for provider, limits in self._limits.items():
            part = await self._take(provider, limits, in_hand)
            if part is not None:
                self._hold(provider, part)

    async def leave(self) -> None:
        """Give everything back; with the database away, silence does that."""
        try:
            for provider in self._limits:
                await self._shares.update_one(
                    {"_id": provider}, {"$unset": {f"workers.{self._owner}": ""}, "$inc": {"version": 1}}
                )
        except Exception as error:
            if not is_unavailable(error):
                raise
            log.warning("shares not given back", reason=type(error).__name__)

    def _hold(self, provider: str, part: Part) -> None:
        self._parts[provider] = part
        if provider in self.pacers:
            self.pacers[provider].change(part.rate)

    def _let_go(self, provider: str, mine: Part) -> None:
        """Keep to the smaller part from before others may read of it."""
        held = self._parts.get(provider)
        if held is not None:
            concurrency, rate = min(held.concurrency, mine.concurrency), min(held.rate, mine.rate)
            self._hold(provider, Part(concurrency, rate, held.seen_at))

    async def _take(self, provider: str, limits: Limits, in_hand: Callable[[str], int]) -> Part | None:
        """This worker's new part; None if others were always faster."""
        for _ in range(TRIES):
            document = await self._shares.find_one({"_id": provider})
            now = self._clock.now()
            parts = present(_parts(document), now)
            mine = fair_part(limits, parts, self._owner, in_hand(provider), now)
            self._let_go(provider, mine)
            if await self._replace(provider, document, {**parts, self._owner: mine}):
                return mine
        return None

    async def _replace(self, provider: str, document: Document | None, parts: Mapping[str, Part]) -> bool:
        workers = {owner: _stored(part) for owner, part in parts.items()}
        if document is None:
            try:
                await self._shares.insert_one({"_id": provider, "version": 0, "workers": workers})
            except DuplicateKeyError:
                return False
            return True
        result = await self._shares.update_one(
            {"_id": provider, "version": document["version"]},
            {"$set": {"workers": workers}, "$inc": {"version": 1}},
        )
        return result.matched_count == 1


def _parts(document: Document | None) -> dict[str, Part]:
    workers: Mapping[str, Any] = document["workers"] if document is not None else {}
    return {owner: Part(one["concurrency"], one["rate"], one["seen_at"]) for owner, one in workers.items()}


def _stored(part: Part) -> dict[str, int | float | datetime]:
    return {"concurrency": part.concurrency, "rate": part.rate, "seen_at": part.seen_at}
