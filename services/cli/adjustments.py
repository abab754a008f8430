"""`hatchery adjust`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from services.cli.actor import Actor, Reason
from services.cli.amounts import positive_nano
from services.cli.context import AsJson, StateDir, act, show_json
from shared.accounts.account import UnknownAccount
from shared.errors import HatcheryError
from shared.ids import Prefix, new_id
from shared.ledger.block import Balance
from shared.ledger.chain import Applied, Ledger
from shared.ledger.entry import adjust as adjustment
from shared.ledger.refusals import InsufficientBalance
from shared.money import usd_from_nano
from shared.runtime import Platform


class IdInUse(HatcheryError):
    """This id stands for another adjustment already."""


def adjust(
    account_id: str,
    amount: Annotated[str, typer.Argument(help="USD, such as 12.50; negative (behind `--`) to take away.")],
    reason: Reason,
    actor: Actor,
    take: Annotated[bool, typer.Option("--take", help="Take the amount away.")] = False,
    adjustment_id: Annotated[
        str | None, typer.Option("--id", help="Of your own: the same one counts only once.")
    ] = None,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """Add money to an account, or take some of what is available, by your own decision."""
    nano = _signed(amount, take)

    async def work(platform: Platform) -> tuple[bool, Balance]:
        return await _adjust(
            platform, account_id, adjustment_id or new_id(Prefix.ADJUSTMENT), nano, actor, reason
        )

    now, balance = act(state_dir, work)
    adjusted, available = usd_from_nano(nano, 9), usd_from_nano(balance.available, 9)
    if json:
        show_json(
            {"account_id": account_id, "adjusted_usd": adjusted, "available_usd": available, "now": now}
        )
        return
    known = "" if now else "this was done before; "
    Console().print(f"{known}{account_id} has ${available} available", highlight=False)


def _signed(amount: str, take: bool) -> int:
    if amount.startswith("-"):
        return -positive_nano(amount[1:])
    nano = positive_nano(amount)
    return -nano if take else nano


async def _adjust(
    platform: Platform, account_id: str, adjustment_id: str, nano: int, actor: str, reason: str
) -> tuple[bool, Balance]:
    database = platform.database
    if await database["accounts"].find_one({"_id": account_id}, {"_id": 1}) is None:
        raise UnknownAccount(f"There is no account {account_id}.")
    ledger = Ledger(database, platform.clock)
    entry = adjustment(adjustment_id, nano, actor, reason)
    outcome = (await ledger.append({account_id: [entry]}))[entry.op]
    balance = (await ledger.balances([account_id]))[account_id]
    if isinstance(outcome, InsufficientBalance):
        raise InsufficientBalance(
            f"{account_id} has ${usd_from_nano(balance.available, 9)} available: no more can be taken."
        )
    if not isinstance(outcome, Applied):
        raise outcome
    if not outcome.now:
        ours = await database["ledger"].find_one({"entries.op": entry.op, "account": account_id}, {"_id": 1})
        if ours is None or outcome.entry.amount != nano:
            raise IdInUse(f"The id {adjustment_id} stands for another adjustment already.")
    return outcome.now, balance
