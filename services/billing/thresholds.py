"""The watcher: tells accounts when their balance is low or their month's usage has crossed a threshold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from services.billing.crossings import follow
from services.billing.lease import Lease
from shared.account_events import AccountEvent, AccountEvents
from shared.accounts.thresholds import ThresholdStore, Watch, Watched
from shared.clock import Clock
from shared.ledger.chain import Ledger
from shared.mongo import Database
from shared.rounds import repeat

ACCOUNTS_AT_ONCE: Final = 500
BLOCKS_AT_ONCE: Final = 1000
"""After so many the watch moves, however many are left."""


class ThresholdWatcher:
    """Runs in every billing process; a lease lets one of them work at a time."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        events: AccountEvents,
        clock: Clock,
        every: timedelta,
        blocks_at_once: int = BLOCKS_AT_ONCE,
    ) -> None:
        self._store = ThresholdStore(database, ledger, clock)
        self._ledger = ledger
        self._events = events
        self._every = every
        self._blocks_at_once = blocks_at_once
        self._lease = Lease(database, "thresholds", clock, 3 * every)

    async def run(self) -> None:
        """Watch until cancelled."""
        await repeat("thresholds", self._watch_in_turn, self._every)

    async def _watch_in_turn(self) -> None:
        if await self._lease.take():
            await self.watch()

    async def watch(self) -> None:
        """One round over the accounts that have thresholds."""
        group: list[Watched] = []
        async for watched in self._store.watched():
            group.append(watched)
            if len(group) == ACCOUNTS_AT_ONCE:
                await self._watch_group(group)
                group = []
        await self._watch_group(group)

    async def _watch_group(self, group: Sequence[Watched]) -> None:
        tails = await self._ledger.balances([one.account_id for one in group]) if group else {}
        for one in group:
            if tails[one.account_id].seq > one.watch.seq:
                await self._follow(one)

    async def _follow(self, watched: Watched) -> None:
        """Read an account's new blocks, and remember how far that went."""
        kept = now = watched.watch
        events: list[AccountEvent] = []
        async for block in self._ledger.blocks(watched.account_id, kept.seq):
            now, found = follow(watched.account_id, watched.thresholds, now, block)
            events += found
            if now.seq - kept.seq >= self._blocks_at_once:
                if not await self._keep(watched.account_id, kept, now, events):
                    return
                kept, events = now, []
        if now != kept:
            await self._keep(watched.account_id, kept, now, events)

    async def _keep(self, account_id: str, kept: Watch, now: Watch, events: Sequence[AccountEvent]) -> bool:
        """First the events, then the watch: after a crash in between they are the same events again."""
        await self._events.record(events)
        return await self._store.advance(account_id, kept, now)
