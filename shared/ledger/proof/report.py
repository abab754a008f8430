"""What a verification saw, in numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.ledger.block import Balance
from shared.ledger.entry import Entry, EntryKind
from shared.ledger.proof.violation import Violation


@dataclass(slots=True)
class Report:
    """Sums of all account chains in nano-USD; `entries` counts those of coupons too."""

    accounts: int = 0
    coupon_chains: int = 0
    blocks: int = 0
    entries: int = 0
    tasks: int = 0
    """Final ones."""
    open_holds: int = 0
    topped_up: int = 0
    adjusted: int = 0
    reversed: int = 0
    refunded: int = 0
    available: int = 0
    held: int = 0
    spent: int = 0
    owed: int = 0
    held_uses: int = 0
    """Of coupons, by tasks that go on."""
    violations: list[Violation] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not self.violations

    @property
    def money_in(self) -> int:
        return self.topped_up + self.adjusted - self.reversed

    @property
    def money_there(self) -> int:
        return self.available + self.held + self.spent - self.owed

    def count(self, entry: Entry) -> None:
        """An account's entry other than a hold or an end."""
        if entry.kind is EntryKind.TOPUP:
            self.topped_up += entry.amount
        elif entry.kind is EntryKind.ADJUST:
            self.adjusted += entry.amount
        elif entry.kind is EntryKind.REVERSAL:
            self.reversed += entry.amount
        elif entry.kind is EntryKind.REFUND:
            self.refunded += entry.amount

    def close(self, tail: Balance) -> None:
        """An account's chain has been read to its tail."""
        self.accounts += 1
        self.available += tail.available
        self.held += tail.held
        self.spent += tail.spent
        self.owed += tail.owed

    def check_money(self) -> None:
        """Nothing comes from nowhere and nothing goes."""
        if self.money_in != self.money_there:
            self.violations.append(
                Violation(
                    "I5",
                    "all accounts",
                    "money in is not money out and balances",
                    str(self.money_in),
                    str(self.money_there),
                )
            )
