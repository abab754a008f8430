"""Uses that are held: by tasks that go on, by submits on their way, and by what was cut off."""

from __future__ import annotations

from datetime import datetime

from shared.coupons.entries import open_uses
from shared.ledger.chain import Ledger


async def in_progress(ledger: Ledger, chain: str, seq: int, held: int) -> dict[str, datetime]:
    """When each use that is held was taken, by task; reads back as far as the oldest of them.

    `seq` and `held` are those of the chain's tail.
    """
    ended: set[str] = set()
    found: dict[str, datetime] = {}
    if not held:
        return found
    async for block in ledger.blocks_backwards(chain, seq):
        taken_at: datetime = block["at"]
        found |= dict.fromkeys(open_uses(block, ended), taken_at)
        if len(found) >= held:
            break
    return found
