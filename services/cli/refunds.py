"""`hatchery refund`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from services.cli.actor import Actor, Reason
from services.cli.amounts import positive_nano
from services.cli.context import AsJson, StateDir, act, show_json
from shared.ledger.chain import Ledger
from shared.ledger.refunds import Refunded, Refunds
from shared.money import usd_from_nano
from shared.runtime import Platform


def refund(
    task_id: str,
    reason: Reason,
    actor: Actor,
    amount: Annotated[
        str | None, typer.Option(help="USD, such as 0.02; without it all that is left of the charge.")
    ] = None,
    refund_id: Annotated[
        str | None, typer.Option("--id", help="Of your own: the same one gives money back only once.")
    ] = None,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """Give back what a completed task has cost, or part of it."""
    wanted = None if amount is None else positive_nano(amount)

    async def work(platform: Platform) -> Refunded:
        ledger = Ledger(platform.database, platform.clock)
        return await Refunds(platform.database, ledger).refund(task_id, wanted, actor, reason, refund_id)

    refunded = act(state_dir, work)
    given, left, captured = (
        usd_from_nano(nano, 9) for nano in (refunded.entry.amount, refunded.left, refunded.captured)
    )
    if json:
        show_json(
            {
                "task_id": task_id,
                "account_id": refunded.account_id,
                "op": refunded.entry.op,
                "refunded_usd": given,
                "left_usd": left,
                "captured_usd": captured,
                "now": refunded.now,
            }
        )
        return
    word = "gave" if refunded.now else "had already given"
    Console().print(
        f"{word} ${given} back to {refunded.account_id}; ${left} of ${captured} is left", highlight=False
    )
