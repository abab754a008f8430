"""Bringing what was decided of a top-up into the ledger."""

from __future__ import annotations

from shared.errors import HatcheryError
from shared.ledger.chain import Applied, Ledger
from shared.payments.topup import TopUp


class NotCredited(HatcheryError):
    """The ledger does not take an entry of a top-up."""


async def settle(ledger: Ledger, topup: TopUp) -> int:
    """Append the entries that the ledger does not have yet, in order, as one block; gives their number.

    Done again, by whomever, it changes nothing: `entries.op` is unique. Raises NotCredited.
    """
    wanted = topup.entries()
    stored = await ledger.find(entry.op for entry in wanted)
    missing = [entry for entry in wanted if entry.op not in stored]
    outcomes = await ledger.append({topup.account_id: missing})
    for op, outcome in outcomes.items():
        if not isinstance(outcome, Applied):
            raise NotCredited(f"{topup.id}: {op}: {outcome.message}") from outcome
    return sum(isinstance(outcome, Applied) and outcome.now for outcome in outcomes.values())
