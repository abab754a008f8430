"""`hatchery account`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from services.cli.account_shown import show_account
from services.cli.context import AsJson, StateDir, act, show_json
from services.cli.limits import discount_account, limit_account, set_thresholds
from shared.accounts.account import Account, Accounts
from shared.runtime import Platform
from shared.secrets import SecretBox

account_app = typer.Typer(help="Accounts: who owns keys and a balance.", no_args_is_help=True)
account_app.command("show")(show_account)
account_app.command("limit")(limit_account)
account_app.command("discount")(discount_account)
account_app.command("thresholds")(set_thresholds)


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
