"""A made-up history: chains of blocks as the services write them, and the final tasks that belong to them."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from ulid import ULID

from shared.ledger.block import Balance, make_block
from shared.ledger.entry import Entry, end, hold, topup
from shared.mongo import Document

HOT: Final = "acc_hot"
OTHERS: Final = 99
HOT_SHARE: Final = 0.6
BLOCK_SIZES: Final = (1, 1, 1, 1, 1, 2, 4, 8, 16, 32, 64)
"""Entries of a block: many come alone, most in groups."""
FAILED_SHARE: Final = 0.1
PRICE_NANO: Final = 40_000_000
MODELS: Final = ("nanobanana", "nanobanana-pro", "gpt-image-1", "seedream-4")
KEYS: Final = 5
_MONEY: Final = 10**17


class BrokenHistory(Exception):
    """The generator has made a block that the ledger refuses."""


@dataclass(slots=True)
class _Chain:
    account: str
    tail: Balance = field(default_factory=Balance)
    open: deque[tuple[str, datetime]] = field(default_factory=deque)
    """Tasks with their times, oldest first."""


class History:
    """Goes on from where it stopped; at the end of each part every task is final."""

    def __init__(self, begin: datetime, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._at = begin
        self._hot = _Chain(HOT)
        self._others = [_Chain(f"acc_{number:04}") for number in range(OTHERS)]
        self.tasks: list[Document] = []
        """Final since they were taken last."""

    @property
    def accounts(self) -> list[str]:
        return [chain.account for chain in self._chains]

    @property
    def _chains(self) -> list[_Chain]:
        return [self._hot, *self._others]

    def blocks(self, rows: int, until: datetime) -> Iterator[Document]:
        """About so many entries, spread over the time until then."""
        pace = (until - self._at) / max(rows, 1)
        made = 0
        for chain in self._chains:
            if chain.tail.seq == 0:
                made += 1
                yield self._block(chain, [topup(f"bench-{chain.account}", _MONEY, {"actor": "bench"})])
        while made + sum(len(chain.open) for chain in self._chains) < rows:
            hot = self._random.random() < HOT_SHARE
            chain = self._hot if hot else self._random.choice(self._others)
            size = self._random.choice(BLOCK_SIZES)
            block = self._ends(chain, size) if len(chain.open) >= 2 * size else self._holds(chain, size)
            made += len(block["entries"])
            self._at += pace * len(block["entries"])
            yield block
        for chain in self._chains:
            while chain.open:
                yield self._ends(chain, max(BLOCK_SIZES))

    def _holds(self, chain: _Chain, size: int) -> Document:
        entries = []
        for _ in range(size):
            task_id = f"gen_{str(ULID.from_datetime(self._at)).lower()}"
            chain.open.append((task_id, self._at))
            entries.append(hold(task_id, PRICE_NANO, self._model(task_id), self._key(task_id)))
        return self._block(chain, entries)

    def _ends(self, chain: _Chain, size: int) -> Document:
        entries = []
        for _ in range(min(size, len(chain.open))):
            task_id, held_at = chain.open.popleft()
            captured = 0 if self._random.random() < FAILED_SHARE else PRICE_NANO
            model, key_id = self._model(task_id), self._key(task_id)
            units = 1 if captured else 0
            entries.append(end(task_id, PRICE_NANO, captured, model, units, key_id, held_at))
            self.tasks.append(self._task(chain.account, task_id, captured, held_at))
        return self._block(chain, entries)

    def _block(self, chain: _Chain, entries: list[Entry]) -> Document:
        block, refused = make_block(chain.account, chain.tail, entries, self._at)
        if block is None or refused:
            raise BrokenHistory(str(refused))
        chain.tail = block.balance
        return block.to_document()

    def _task(self, account: str, task_id: str, captured: int, held_at: datetime) -> Document:
        return {
            "_id": task_id,
            "account_id": account,
            "key_id": self._key(task_id),
            "dialect": "eggapi",
            "model": self._model(task_id),
            "state": "completed" if captured else "failed",
            "cost_nano": captured,
            "created_at": held_at,
            "completed_at": self._at,
            "deadline_at": held_at + timedelta(minutes=15),
        }

    def _model(self, task_id: str) -> str:
        return MODELS[ord(task_id[-1]) % len(MODELS)]

    def _key(self, task_id: str) -> str:
        return f"key_{ord(task_id[-2]) % KEYS}"
