"""Whether a block follows from the one before it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from shared.errors import HatcheryError
from shared.ledger.block import Balance, balance_of
from shared.ledger.entry import Entry, EntryKind
from shared.ledger.proof.violation import Violation
from shared.mongo import Document

_TOTALS = ("available", "held", "spent", "owed")


def check_block(tail: Balance, block: Document) -> tuple[Balance, list[Entry], list[Violation]]:
    """The balance that a block states, its entries, and what is wrong with it after the tail before it.

    Raises ValueError, KeyError and TypeError for a block that this version cannot read.
    """
    stated, at = balance_of(block), block["at"]
    entries = [Entry.from_document(document) for document in block["entries"]]
    balance, refused = tail, list[tuple[Entry, HatcheryError]]()
    for entry in entries:
        try:
            balance = balance.after(entry, at)
        except HatcheryError as error:
            refused.append((entry, error))
    follows = (stated.seq, stated.available, stated.held, stated.spent, stated.owed, stated.caps) == (
        tail.seq + 1, balance.available, balance.held, balance.spent, balance.owed, balance.caps
    )  # fmt: skip
    if follows and not refused and min(stated.available, stated.held, stated.spent, stated.owed) >= 0:
        return stated, entries, []
    return stated, entries, _differences(block, tail, balance, stated, refused)


def _differences(
    block: Document,
    tail: Balance,
    balance: Balance,
    stated: Balance,
    refused: Sequence[tuple[Entry, HatcheryError]],
) -> list[Violation]:
    subject, found = f"{block['account']}#{block['seq']}", []
    if stated.seq != tail.seq + 1:
        detail = f"follows seq {tail.seq}"
        found.append(Violation("I4", subject, detail, f"seq {tail.seq + 1}", f"seq {stated.seq}"))
    for entry, error in refused:
        reason = error.message.removeprefix(f"{entry.op}: ")
        found.append(Violation("I4", subject, f"{entry.op}: {reason}"))
    for name in (*_TOTALS, "caps"):
        there, wanted = getattr(stated, name), getattr(balance, name)
        if there != wanted:
            found.append(Violation.differs("I4", subject, f"{name} is", wanted, there))
        if name != "caps" and there < 0:
            found.append(Violation("I4", subject, f"{name} is negative", "0 or more", str(there)))
    return found


def check_name(entry: Entry) -> Violation | None:
    """Whether the `op` of an account's entry, which happens only once, says what the entry does."""
    kind, op = entry.kind, entry.op
    if kind is EntryKind.HOLD or kind is EntryKind.END:
        fits = op == f"{kind.value}:{entry.task_id}"
    elif kind is EntryKind.REFUND:
        fits = op.startswith(f"refund:{entry.task_id}:")
    else:
        fits = op.startswith(f"{kind.value}:")
    return None if fits else Violation("I4", op, f"names a {kind.value} of {entry.task_id}")
