"""`hatchery account show`."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console

from services.cli.context import AsJson, StateDir, act, show_json
from services.cli.limits_shown import caps_plain, caps_text, thresholds_plain, thresholds_text
from shared.accounts.account import Account, Accounts
from shared.accounts.discounts import Discounts
from shared.accounts.thresholds import Thresholds, ThresholdStore
from shared.ledger.block import Balance
from shared.ledger.chain import Ledger
from shared.money import usd_from_nano
from shared.runtime import Platform
from shared.secrets import SecretBox


@dataclass(frozen=True, slots=True)
class _Shown:
    account: Account
    balance: Balance
    discounts: dict[str, int]
    thresholds: Thresholds


def show_account(account_id: str, state_dir: StateDir = None, json: AsJson = False) -> None:
    """An account, its balance, and what is agreed with it."""

    async def work(platform: Platform) -> _Shown:
        database, clock = platform.database, platform.clock
        secrets = SecretBox(platform.settings.secrets_key.get_secret_value())
        account = await Accounts(database, clock, secrets).get(account_id)
        ledger = Ledger(database, clock)
        return _Shown(
            account,
            (await ledger.balances([account_id]))[account_id],
            await Discounts(database).of(account_id),
            await ThresholdStore(database, ledger, clock).of(account_id),
        )

    shown = act(state_dir, work)
    account, caps = shown.account, shown.balance.caps
    names = ("available", "held", "spent", "owed")
    money = {name: usd_from_nano(getattr(shown.balance, name), 9) for name in names}
    if json:
        show_json(
            {
                "account_id": account.id,
                "email": account.email,
                "status": account.status,
                "created_at": account.created_at,
                **money,
                "limits": caps_plain(caps),
                "discounts": shown.discounts,
                "thresholds": thresholds_plain(shown.thresholds),
            }
        )
        return
    lines = [f"{'account':<10} {account.id} ({account.status})", f"{'e-mail':<10} {account.email}"]
    lines += [f"{name:<10} ${amount}" for name, amount in money.items()]
    lines += [f"{'limit':<10} {text}" for text in caps_text(caps)]
    lines += [f"{'discount':<10} {percent}% off {one}" for one, percent in sorted(shown.discounts.items())]
    if shown.thresholds != Thresholds():
        lines.append(f"{'events':<10} {thresholds_text(shown.thresholds)}")
    Console().print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)
