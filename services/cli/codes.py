"""`hatchery code`: redemption codes."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from services.cli.amounts import positive_nano
from services.cli.context import AsJson, StateDir, act, fail, show_json
from services.cli.keys import parse_expiry
from shared.money import usd_from_nano
from shared.payments.codes import Code, Codes
from shared.runtime import Platform

code_app = typer.Typer(help="Redemption codes: money for whoever has the code.", no_args_is_help=True)

MOST_AT_ONCE = 10_000
MOST_SHOWN = 1000


@code_app.command("create")
def create_codes(
    amount: Annotated[str, typer.Option(help="USD that each is worth, such as 25.")],
    count: Annotated[int, typer.Option(help="How many.", min=1, max=MOST_AT_ONCE)] = 1,
    expires: Annotated[
        str | None, typer.Option(help="When they end: 90d, 12h, 2027-01-31 or 2027-01-31T12:00:00Z.")
    ] = None,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """Make codes. They are shown once and never again."""
    nano = positive_nano(amount)

    async def work(platform: Platform) -> list[tuple[str, str]]:
        now = platform.clock.now()
        expires_at = None if expires is None else parse_expiry(expires, now)
        if expires is not None and (expires_at is None or expires_at <= now):
            fail("--expires is a time to come, such as 90d, 12h, 2027-01-31 or 2027-01-31T12:00:00Z")
        codes = Codes(platform.database, platform.clock)
        return await codes.create(nano, count, platform.settings.key_pepper, expires_at)

    made = act(state_dir, work)
    if json:
        worth = usd_from_nano(nano, 9)
        show_json({"codes": [{"code_id": one, "code": text, "amount_usd": worth} for one, text in made]})
        return
    console = Console()
    for code_id, text in made:
        console.print(f"{code_id}  {text}", highlight=False)
    console.print("Keep them: they cannot be shown again.")


@code_app.command("list")
def list_codes(
    limit: Annotated[int, typer.Option(min=1, max=MOST_SHOWN)] = 50,
    before: Annotated[str | None, typer.Option(help="Only codes older than this one.")] = None,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """Show codes, newest first, without what makes them usable."""

    async def work(platform: Platform) -> list[Code]:
        return await Codes(platform.database, platform.clock).page(before, limit)

    found = act(state_dir, work)
    if json:
        show_json({"codes": [_plain(one) for one in found]})
        return
    table = Table(box=None)
    for column in ("code id", "code", "amount", "expires", "state"):
        table.add_column(column, no_wrap=True)
    for one in found:
        expires = f"{one.expires_at:%Y-%m-%d %H:%M}" if one.expires_at else "never"
        table.add_row(one.id, f"…{one.last_four}", f"${usd_from_nano(one.amount, 2)}", expires, _state(one))
    Console().print(table if found else "no codes")


@code_app.command("revoke")
def revoke_code(code_id: str, state_dir: StateDir = None, json: AsJson = False) -> None:
    """Void a code that nobody has redeemed."""

    async def work(platform: Platform) -> None:
        await Codes(platform.database, platform.clock).revoke(code_id)

    act(state_dir, work)
    if json:
        show_json({"code_id": code_id, "revoked": True})
        return
    Console().print(f"revoked {code_id}", highlight=False)


def _state(one: Code) -> str:
    if one.account_id is not None:
        return f"redeemed by {one.account_id}"
    return "revoked" if one.revoked_at is not None else "open"


def _plain(one: Code) -> dict[str, Any]:
    return {
        "code_id": one.id,
        "last_four": one.last_four,
        "amount_usd": usd_from_nano(one.amount, 9),
        "created_at": one.created_at,
        "expires_at": one.expires_at,
        "revoked_at": one.revoked_at,
        "account_id": one.account_id,
        "topup_id": one.topup_id,
        "redeemed_at": one.redeemed_at,
    }
