"""One chain as it is read, block by block. What is kept grows with the open holds alone."""

from __future__ import annotations

from shared.ledger.block import Balance
from shared.ledger.chains import is_account
from shared.ledger.entry import EntryKind
from shared.ledger.proof.acts import OpenHold, Placed, open_hold
from shared.ledger.proof.blocks import check_block, check_name
from shared.ledger.proof.report import Report
from shared.ledger.proof.violation import Violation
from shared.mongo import Document


class Replay:
    """Follows a chain from a tail on. The lists are for whoever checks them; he empties them."""

    def __init__(self, chain: str, tail: Balance, report: Report) -> None:
        self.chain = chain
        self.tail = tail
        self.holds: dict[str, Placed] = {}
        """Not ended yet, by task id."""
        self.ends: list[Placed] = []
        self.strange: list[Placed] = []
        """Ends of holds that lie before the part that was read."""
        self.refunds: list[Placed] = []
        self.payments: list[Placed] = []
        """Entries that name a top-up."""
        self.rows = 0
        self._money = is_account(chain)
        self._report = report

    def take(self, block: Document) -> None:
        """The next block. Raises ValueError, KeyError and TypeError for one that cannot be read."""
        self.tail, entries, found = check_block(self.tail, block)
        report, at = self._report, block["at"]
        report.violations += found
        report.blocks += 1
        report.entries += len(entries)
        self.rows += len(entries)
        for entry in entries:
            placed = Placed(self.chain, at, entry)
            if self._money and (misnamed := check_name(entry)) is not None:
                report.violations.append(misnamed)
            if entry.kind is EntryKind.HOLD:
                self.holds[entry.task_id or ""] = placed
            elif entry.kind is EntryKind.END:
                self._end(placed)
            elif self._money:
                report.count(entry)
                if entry.kind is EntryKind.REFUND:
                    self.refunds.append(placed)
                elif "topup_id" in entry.facts:
                    self.payments.append(placed)

    def _end(self, placed: Placed) -> None:
        self.ends.append(placed)
        hold = self.holds.pop(placed.entry.task_id or "", None)
        if hold is None:
            self.strange.append(placed)
        else:
            self._report.violations += check_pair(placed, hold)

    def open_holds(self) -> list[OpenHold]:
        """What nothing has ended so far."""
        return [open_hold(placed) for placed in self.holds.values()]


def check_pair(end: Placed, hold: Placed | None) -> list[Violation]:
    """Whether an end dissolves its own hold, on the same chain and as a whole."""
    amount = hold.entry.amount if hold is not None and hold.chain == end.chain else None
    if amount == end.entry.held:
        return []
    subject = end.entry.task_id or end.entry.op
    return [Violation.differs("I3", subject, "ends a hold of", amount, end.entry.held)]
