"""Setting and removing spend caps, exactly, also while money is being held."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from shared.clock import Clock
from shared.errors import HatcheryError
from shared.ids import Prefix, new_id
from shared.ledger.caps import Cap, Caps, Per, period_of
from shared.ledger.chain import Applied, Ledger
from shared.ledger.entry import Entry, EntryKind, cap_removed, cap_set
from shared.ledger.refusals import StaleEntry

CLOCKS_APART: Final = timedelta(minutes=1)
"""How far the times of two neighbouring blocks may be in the wrong order: each process has its clock."""


class SpendLimits:
    """The spend caps of accounts and keys; they stand in the account's chain."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def of(self, account_id: str) -> Caps:
        """All caps of an account and its keys; what they count is of the period that they name."""
        return (await self._ledger.balances([account_id]))[account_id].caps

    async def impose(self, account_id: str, key_id: str | None, per: Per, limit_nano: int, actor: str) -> Cap:
        """Cap what a key, or with None the whole account, may spend; counts what it has spent already.

        Raises BrokenEntry when the account has too many caps.
        """
        change, period, counted, seq = new_id(Prefix.CAP), "", 0, 0
        while True:
            tail = await self._ledger.tail(account_id)
            now = self._clock.now()
            current = period_of(per, now if tail is None else max(now, tail["at"]))
            if current == period:
                async for block in self._ledger.blocks(account_id, seq):
                    counted, seq = counted + counted_in(block, key_id, per, period), block["seq"]
            else:
                period, seq = current, 0 if tail is None else tail["seq"]
                counted = await self._counted_until(account_id, seq, key_id, per, period)
            cap = Cap(key_id, per, limit_nano, period, max(0, counted))
            if await self._append(account_id, cap_set(change, cap, seq, actor)):
                return cap

    async def lift(self, account_id: str, key_id: str | None, per: Per, actor: str) -> None:
        """Remove a cap; without one nothing changes."""
        for cap in await self.of(account_id):
            if (cap.key_id, cap.per) == (key_id, per):
                await self._append(account_id, cap_removed(new_id(Prefix.CAP), cap, actor))

    async def _append(self, account_id: str, entry: Entry) -> bool:
        """Whether it is in the chain; False when the chain has grown meanwhile."""
        outcome = (await self._ledger.append({account_id: [entry]}))[entry.op]
        if isinstance(outcome, HatcheryError) and not isinstance(outcome, StaleEntry):
            raise outcome
        return isinstance(outcome, Applied)

    async def _counted_until(
        self, account_id: str, seq: int, key_id: str | None, per: Per, period: str
    ) -> int:
        """What the blocks up to one come to; reads no further back than the period's beginning."""
        counted = 0
        async for block in self._ledger.blocks_backwards(account_id, seq):
            if period_of(per, block["at"] + CLOCKS_APART) < period:
                break
            counted += counted_in(block, key_id, per, period)
        return counted


def counted_in(block: Mapping[str, Any], key_id: str | None, per: Per, period: str) -> int:
    """What a block adds to what a cap counts in a period: its holds, without what was given back of holds
    made in that period. Pure.
    """
    total = 0
    for entry in block["entries"]:
        if key_id not in (None, entry.get("key_id")):
            continue
        if entry["kind"] == EntryKind.HOLD and _in(period, per, block["at"]):
            total += entry["amount"]
        elif entry["kind"] == EntryKind.END and _in(period, per, entry.get("held_at")):
            total -= entry["held"] - entry["amount"]
    return total


def _in(period: str, per: Per, at: datetime | None) -> bool:
    return at is not None and period_of(per, at) == period
