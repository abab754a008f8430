"""`hatchery account | topup`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from services.cli.account_shown import show_account
from services.cli.context import AsJson, StateDir, act, fail, show_json
from services.cli.limits import discount_account, limit_account, set_thresholds
from shared.accounts.account import Account, Accounts
from shared.ids import Prefix, new_id
from shared.ledger.block import Balance
from shared.ledger.chain import Ledger
from shared.ledger.entry import topup
from shared.money import nano_from_usd, usd_from_nano
from shared.runtime import Platform
from shared.secrets import SecretBox

account_app = typer.Typer(help="Accounts: who owns keys and a balance.", no_args_is_help=True)
account_app.command("show")(show_account)
account_app.command("limit")(limit_account)
account_app.command("discount")(discount_account)
account_app.command("thresholds")(set_thresholds)

MOST_TOPUP_NANO = nano_from_usd("1000000000")


def _accounts(platform: Platform) -> Accounts:
    secrets = SecretBox(platform.settings.secrets_key.get_secret_value())
    return Accounts(platform.database, platform.clock, secrets)


@account_app.command("create")
def create_account(
    email: Annotated[str, typer.Option(help="The owner's e-mail address.")],
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """Open an account; its webhook secret is shown here."""

    async def work(platform: Platform) -> tuple[Account, str]:
        return await _accounts(platform).create(email)

    account, secret = act(state_dir, work)
    if json:
        show_json({"account_id": account.id, "email": account.email, "webhook_secret": secret})
        return
    console = Console()
    console.print(f"account         {account.id}\ne-mail          {account.email}\nwebhook secret  {secret}")


def top_up(
    account_id: str,
    amount: Annotated[str, typer.Argument(help="USD, such as 100 or 12.50.")],
    payment: Annotated[
        str | None, typer.Option(help="An id of the payment: the same one is never credited twice.")
    ] = None,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """Add money to an account."""
    try:
        nano = nano_from_usd(amount)
    except ValueError as error:
        fail(str(error))
    if not 0 < nano <= MOST_TOPUP_NANO:
        fail(f"the amount must be more than 0 and at most {usd_from_nano(MOST_TOPUP_NANO, 0)} USD")

    async def work(platform: Platform) -> Balance:
        account = await _accounts(platform).get(account_id)
        ledger = Ledger(platform.database, platform.clock)
        entry = topup(payment or new_id(Prefix.TOPUP), nano, {"actor": "cli"})
        await ledger.append({account.id: [entry]})
        return (await ledger.balances([account.id]))[account.id]

    balance = act(state_dir, work)
    available = usd_from_nano(balance.available, 9)
    if json:
        show_json({"account_id": account_id, "available": available})
        return
    Console().print(f"{account_id} has ${available} available")
