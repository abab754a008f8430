"""`hatchery topup` and `hatchery topups`."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from services.cli.actor import MOST_REASON, Actor
from services.cli.amounts import positive_nano
from services.cli.context import AsJson, StateDir, act, fail, show_json
from shared.accounts.account import UnknownAccount
from shared.ledger.block import Balance
from shared.ledger.chain import Ledger
from shared.money import usd_from_nano
from shared.payments.events import PaymentEvent, PaymentEvents
from shared.payments.manual import ManualTopUps
from shared.payments.store import TopUps
from shared.payments.topup import TopUp
from shared.runtime import Platform

MOST_SHOWN = 1000


def top_up(
    account_id: str,
    amount: Annotated[str, typer.Argument(help="USD, such as 100 or 12.50.")],
    actor: Actor,
    payment: Annotated[
        str | None, typer.Option(help="An id of the payment: the same one is never credited twice.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why; it is kept.")] = None,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """Add money that was paid elsewhere to an account."""
    nano = positive_nano(amount)
    if reason is not None and len(reason) > MOST_REASON:
        fail(f"--reason has more than {MOST_REASON} characters")

    async def work(platform: Platform) -> tuple[TopUp, Balance]:
        database = platform.database
        if await database["accounts"].find_one({"_id": account_id}, {"_id": 1}) is None:
            raise UnknownAccount(f"There is no account {account_id}.")
        ledger = Ledger(database, platform.clock)
        manual = ManualTopUps(database, ledger, platform.clock)
        topup = await manual.credit(account_id, nano, actor, reason, payment)
        return topup, (await ledger.balances([account_id]))[account_id]

    topup, balance = act(state_dir, work)
    available = usd_from_nano(balance.available, 9)
    if json:
        show_json({"topup_id": topup.id, "account_id": account_id, "available": available})
        return
    Console().print(f"{topup.id}: {account_id} has ${available} available", highlight=False)


def list_topups(
    account: Annotated[str | None, typer.Option(help="Only of this account.")] = None,
    problems: Annotated[
        bool, typer.Option("--problems", help="Only what an operator has to look at, with the reasons.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=MOST_SHOWN)] = 50,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """Show top-ups, newest first."""

    async def work(platform: Platform) -> tuple[list[TopUp], list[PaymentEvent]]:
        topups, events = TopUps(platform.database), PaymentEvents(platform.database, platform.clock)
        if problems:
            return await topups.with_problems(limit), await events.with_problems(limit)
        return await topups.page(account, None, limit), []

    found, events = act(state_dir, work)
    found = [one for one in found if account in (None, one.account_id)]
    if json:
        told = [{"event_id": one.id, "type": one.type, "problem": one.problem} for one in events]
        show_json({"topups": [_plain(one) for one in found], "events": told})
        return
    _print(found, events)


def _print(found: list[TopUp], events: list[PaymentEvent]) -> None:
    table = Table(box=None)
    for column in ("top-up", "account", "amount", "method", "state", "payment", "made"):
        table.add_column(column, no_wrap=True)
    for one in found:
        amount = f"${usd_from_nano(one.amount, 2)}"
        table.add_row(
            one.id,
            one.account_id,
            amount,
            one.method.value,
            one.state.value,
            one.payment or "",
            f"{one.created_at:%Y-%m-%d %H:%M}",
        )
    console = Console()
    console.print(table if found else "no top-ups")
    for one in found:
        for problem in one.problems:
            console.print(f"{one.id}: {problem}", highlight=False, soft_wrap=True)
    for event in events:
        console.print(f"{event.id} ({event.type}): {event.problem}", highlight=False, soft_wrap=True)


def _plain(one: TopUp) -> dict[str, Any]:
    return {
        "topup_id": one.id,
        "account_id": one.account_id,
        "amount_usd": usd_from_nano(one.amount, 9),
        "kept_usd": usd_from_nano(one.kept, 9),
        "method": one.method.value,
        "state": one.state.value,
        "payment": one.payment,
        "created_at": one.created_at,
        "paid_at": one.paid_at,
        "problems": list(one.problems),
    }
