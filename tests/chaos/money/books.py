"""What the money should be: plain sums over what happened, with none of the ledger's machinery."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Sale:
    """A task that was accepted, or may have been."""

    account: str
    hold: int
    unit: int
    units: int
    coupon: str | None = None
    known: bool = True
    """False: the caller never heard whether it was accepted."""
    captured: int | None = None
    """What it comes to; None: it goes on."""
    settled: bool = False
    """Whether billing is known to have written that down."""
    refunded: int = 0


@dataclass
class Books:
    """All accounts. While crashes leave things open, the truth lies between two bounds."""

    paid_in: Counter[str] = field(default_factory=Counter)
    """Top-ups and adjustments less reversals, by account."""
    sales: dict[str, Sale] = field(default_factory=dict)
    """By task id."""

    def least(self, account: str) -> int:
        """What is available less what is owed, were everything that is open still held."""
        taken = sum(_taken(sale) if sale.settled else sale.hold for sale in self.of(account))
        return self.paid_in[account] - taken

    def most(self, account: str) -> int:
        """The same, were all of it settled, and nothing accepted that nobody heard of."""
        taken = sum(
            sale.hold if sale.captured is None else _taken(sale) for sale in self.of(account) if sale.known
        )
        return self.paid_in[account] - taken

    def spent(self, account: str) -> int:
        """Once everything is over."""
        return sum(_taken(sale) for sale in self.of(account))

    def uses(self, coupon: str, account: str | None = None) -> int:
        """How many requests a coupon has made cheaper, once everything is over."""
        return sum(
            1
            for sale in self.sales.values()
            if sale.coupon == coupon and sale.captured and account in (None, sale.account)
        )

    def of(self, account: str) -> Iterator[Sale]:
        """An account's sales."""
        return (sale for sale in self.sales.values() if sale.account == account)


def _taken(sale: Sale) -> int:
    return (sale.captured or 0) - sale.refunded
