"""Statement lines as customers see them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from shared.ledger.block import Balance
from shared.ledger.entry import EntryKind
from shared.ledger.statement import StatementLine
from shared.money import usd_from_nano

_FACTS: Final = ("model", "key_id", "units", "reason", "per")
"""What else an entry notes is for operators."""
BALANCE_COLUMNS: Final = ("available_usd", "held_usd", "spent_usd", "owed_usd")
COLUMNS: Final = (
    "id",
    "at",
    "kind",
    "amount_usd",
    "held_amount_usd",
    "task_id",
    *_FACTS,
    "removed",
    *BALANCE_COLUMNS,
)


def line_body(line: StatementLine) -> dict[str, Any]:
    """One entry with the balance after it; what does not apply is left out."""
    entry, balance = line.entry, line.balance
    body: dict[str, Any] = {
        "id": line.id,
        "at": time_text(line.at),
        "kind": entry.kind.value,
        "amount_usd": usd_text(entry.amount),
    }
    if entry.kind is EntryKind.END:
        body["held_amount_usd"] = usd_text(entry.held)
    if entry.task_id is not None:
        body["task_id"] = entry.task_id
    body |= {name: entry.facts[name] for name in _FACTS if name in entry.facts}
    if entry.facts.get("removed"):
        body["removed"] = True
    return body | totals_body(balance)


def totals_body(balance: Balance) -> dict[str, Any]:
    """The totals of a balance, exact."""
    return {
        "available_usd": usd_text(balance.available),
        "held_usd": usd_text(balance.held),
        "spent_usd": usd_text(balance.spent),
        "owed_usd": usd_text(balance.owed),
    }


def usd_text(nano: int) -> str:
    """Exact: `12.500000000`."""
    return usd_from_nano(nano, 9)


def time_text(at: datetime) -> str:
    """RFC 3339 with `Z`, milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
