"""Balances and blocks: the arithmetic of a chain. Pure; amounts in nano-USD."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from shared.errors import HatcheryError
from shared.ledger.caps import (
    MOST_CAPS,
    Cap,
    Caps,
    Per,
    caps_of,
    count_hold,
    count_release,
    with_cap,
    without_cap,
)
from shared.ledger.entry import Entry, EntryKind
from shared.ledger.refusals import BrokenEntry, InsufficientBalance, StaleEntry
from shared.mongo import Document

INT64_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Balance:
    """The tail of a chain."""

    seq: int = 0
    available: int = 0
    held: int = 0
    spent: int = 0
    owed: int = 0
    """Money of payments taken back after it was spent; whatever becomes available pays it first."""
    caps: Caps = ()

    def after(self, entry: Entry, at: datetime) -> Balance:
        """The totals after an entry made at a time, at the same `seq`.

        Raises InsufficientBalance, SpendCapReached, BrokenEntry and StaleEntry.
        """
        lowest = -INT64_MAX if entry.kind is EntryKind.ADJUST else 0
        if not lowest <= entry.amount <= INT64_MAX or entry.held < 0:
            raise BrokenEntry(f"{entry.op}: amount out of range")
        return _EFFECTS[entry.kind](self, entry, at)

    def _with_available(self, added: int) -> Balance:
        """More money, of which debts are paid first."""
        paid = min(added, self.owed)
        return replace(self, available=self.available + added - paid, owed=self.owed - paid)


def _hold(balance: Balance, entry: Entry, at: datetime) -> Balance:
    if entry.amount > balance.available:
        raise InsufficientBalance
    caps = count_hold(balance.caps, entry.facts.get("key_id"), entry.amount, at) if balance.caps else ()
    return replace(
        balance, available=balance.available - entry.amount, held=balance.held + entry.amount, caps=caps
    )


def _end(balance: Balance, entry: Entry, at: datetime) -> Balance:
    if entry.amount > entry.held or entry.held > balance.held:
        raise BrokenEntry(f"{entry.op}: captures {entry.amount} of {entry.held} with {balance.held} held")
    released, caps, held_at = entry.held - entry.amount, balance.caps, entry.facts.get("held_at")
    if caps and held_at is not None:
        caps = count_release(caps, entry.facts.get("key_id"), released, held_at)
    ended = replace(balance, held=balance.held - entry.held, spent=balance.spent + entry.amount, caps=caps)
    return ended._with_available(released)


def _topup(balance: Balance, entry: Entry, at: datetime) -> Balance:
    if balance.available + balance.held + balance.spent + entry.amount > INT64_MAX:
        raise BrokenEntry(f"{entry.op}: more money than the ledger can count")
    return balance._with_available(entry.amount)


def _refund(balance: Balance, entry: Entry, at: datetime) -> Balance:
    if entry.amount > balance.spent:
        raise BrokenEntry(f"{entry.op}: gives back {entry.amount} with {balance.spent} spent")
    return replace(balance, spent=balance.spent - entry.amount)._with_available(entry.amount)


def _adjust(balance: Balance, entry: Entry, at: datetime) -> Balance:
    if entry.amount >= 0:
        return _topup(balance, entry, at)
    if -entry.amount > balance.available:
        raise InsufficientBalance
    return replace(balance, available=balance.available + entry.amount)


def _reversal(balance: Balance, entry: Entry, at: datetime) -> Balance:
    taken = min(entry.amount, balance.available)
    return replace(balance, available=balance.available - taken, owed=balance.owed + entry.amount - taken)


def _cap(balance: Balance, entry: Entry, at: datetime) -> Balance:
    facts = entry.facts
    key_id, per = facts.get("key_id"), Per(facts["per"])
    if facts.get("removed"):
        return replace(balance, caps=without_cap(balance.caps, key_id, per))
    if facts["as_of"] != balance.seq:
        raise StaleEntry
    caps = with_cap(balance.caps, Cap(key_id, per, entry.amount, facts["period"], facts["counted"]))
    if len(caps) > MOST_CAPS:
        raise BrokenEntry(f"{entry.op}: an account has at most {MOST_CAPS} spend caps")
    return replace(balance, caps=caps)


_EFFECTS: Final[Mapping[EntryKind, Callable[[Balance, Entry, datetime], Balance]]] = {
    EntryKind.HOLD: _hold,
    EntryKind.END: _end,
    EntryKind.TOPUP: _topup,
    EntryKind.REFUND: _refund,
    EntryKind.ADJUST: _adjust,
    EntryKind.REVERSAL: _reversal,
    EntryKind.CAP: _cap,
}


@dataclass(frozen=True, slots=True)
class Block:
    """Entries that come into being together, with the totals after them."""

    account: str
    balance: Balance
    entries: tuple[Entry, ...]
    at: datetime

    def to_document(self) -> Document:
        balance = self.balance
        return {
            "account": self.account,
            "seq": balance.seq,
            "available": balance.available,
            "held": balance.held,
            "spent": balance.spent,
            **({"owed": balance.owed} if balance.owed else {}),
            **({"caps": [cap.to_document() for cap in balance.caps]} if balance.caps else {}),
            "entries": [entry.to_document() for entry in self.entries],
            "at": self.at,
        }


def balance_of(document: Mapping[str, Any]) -> Balance:
    """The totals that a stored block states."""
    return Balance(
        document["seq"],
        document["available"],
        document["held"],
        document["spent"],
        document.get("owed", 0),
        caps_of(document.get("caps", ())),
    )


def make_block(
    account: str, tail: Balance, wanted: Sequence[Entry], at: datetime
) -> tuple[Block | None, dict[str, HatcheryError]]:
    """The next block, with every entry that fits, in order; and the refused ones by `op`."""
    balance = tail
    taken: dict[str, Entry] = {}
    refused: dict[str, HatcheryError] = {}
    for entry in wanted:
        if entry.op in taken:
            continue
        try:
            balance = balance.after(entry, at)
        except HatcheryError as error:
            refused[entry.op] = error
        else:
            taken[entry.op] = entry
    if not taken:
        return None, refused
    return Block(account, replace(balance, seq=tail.seq + 1), tuple(taken.values()), at), refused
