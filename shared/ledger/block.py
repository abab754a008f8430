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
        amount, kind = entry.amount, entry.kind
        if not 0 <= amount <= INT64_MAX or entry.held < 0:
            _check_range(entry)
        # Holds and ends stand here, and make their balance without `replace`, as nothing happens as often.
        caps = self.caps
        if kind is _HOLD:
            if amount > self.available:
                raise InsufficientBalance
            if caps:
                caps = count_hold(caps, entry.facts.get("key_id"), amount, at)
            return Balance(self.seq, self.available - amount, self.held + amount, self.spent, self.owed, caps)
        if kind is not _END:
            return _EFFECTS[kind](self, entry)
        held, owed = entry.held, self.owed
        if amount > held or held > self.held:
            raise BrokenEntry(f"{entry.op}: captures {amount} of {held} with {self.held} held")
        released = held - amount
        if caps and (held_at := entry.facts.get("held_at")) is not None:
            caps = count_release(caps, entry.facts.get("key_id"), released, held_at)
        paid = min(released, owed) if owed else 0
        return Balance(
            self.seq,
            self.available + released - paid,
            self.held - held,
            self.spent + amount,
            owed - paid,
            caps,
        )

    def _with_available(self, added: int) -> Balance:
        """More money, of which debts are paid first."""
        paid = min(added, self.owed)
        return replace(self, available=self.available + added - paid, owed=self.owed - paid)


def _check_range(entry: Entry) -> None:
    """Of amounts that are negative or more than the database can store."""
    if entry.held >= 0:
        if entry.kind is EntryKind.ADJUST and -INT64_MAX <= entry.amount < 0:
            return
        if entry.kind is EntryKind.HOLD and entry.amount > INT64_MAX:
            raise InsufficientBalance
    raise BrokenEntry(f"{entry.op}: amount out of range")


def _topup(balance: Balance, entry: Entry) -> Balance:
    if balance.available + balance.held + balance.spent + entry.amount > INT64_MAX:
        raise BrokenEntry(f"{entry.op}: more money than the ledger can count")
    return balance._with_available(entry.amount)


def _refund(balance: Balance, entry: Entry) -> Balance:
    if entry.amount > balance.spent:
        raise BrokenEntry(f"{entry.op}: gives back {entry.amount} with {balance.spent} spent")
    return replace(balance, spent=balance.spent - entry.amount)._with_available(entry.amount)


def _adjust(balance: Balance, entry: Entry) -> Balance:
    if entry.amount >= 0:
        return _topup(balance, entry)
    if -entry.amount > balance.available:
        raise InsufficientBalance
    return replace(balance, available=balance.available + entry.amount)


def _reversal(balance: Balance, entry: Entry) -> Balance:
    taken = min(entry.amount, balance.available)
    owed = balance.owed + entry.amount - taken
    if owed > INT64_MAX:
        raise BrokenEntry(f"{entry.op}: more debt than the ledger can count")
    return replace(balance, available=balance.available - taken, owed=owed)


def _cap(balance: Balance, entry: Entry) -> Balance:
    facts = entry.facts
    key_id, per = facts.get("key_id"), Per(facts["per"])
    if facts.get("removed"):
        return replace(balance, caps=without_cap(balance.caps, key_id, per))
    if facts["as_of"] != balance.seq:
        raise StaleEntry
    if not 0 <= facts["counted"] <= INT64_MAX:
        raise BrokenEntry(f"{entry.op}: counts {facts['counted']}")
    caps = with_cap(balance.caps, Cap(key_id, per, entry.amount, facts["period"], facts["counted"]))
    if len(caps) > MOST_CAPS:
        raise BrokenEntry(f"{entry.op}: an account has at most {MOST_CAPS} spend caps")
    return replace(balance, caps=caps)


_HOLD: Final = EntryKind.HOLD
_END: Final = EntryKind.END
_CAP: Final = EntryKind.CAP
_EFFECTS: Final[Mapping[EntryKind, Callable[[Balance, Entry], Balance]]] = {
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
    """The next block, with every entry that fits, in order; and the refused ones by `op`.

    Changes of spend caps come first: what they have counted goes up to the tail, without this block's holds.
    """
    if changes := [entry for entry in wanted if entry.kind is _CAP]:
        wanted = [*changes, *(entry for entry in wanted if entry.kind is not _CAP)]
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
