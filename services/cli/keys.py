"""`hatchery key`: API keys and what they may do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from services.api.scopes import Scope
from services.cli.attempts import parse_since
from services.cli.context import AsJson, StateDir, act, fail, show_json
from services.cli.limits import limit_key
from shared.accounts.account import Accounts
from shared.accounts.key import KeyFacts, Keys
from shared.bus.events import Event, EventType
from shared.runtime import Platform
from shared.secrets import SecretBox

key_app = typer.Typer(help="API keys.", no_args_is_help=True)
key_app.command("limit")(limit_key)

MOST_REQUESTS_PER_MINUTE = 60_000_000


def _accounts(platform: Platform) -> Accounts:
    secrets = SecretBox(platform.settings.secrets_key.get_secret_value())
    return Accounts(platform.database, platform.clock, secrets)


def _keys(platform: Platform) -> Keys:
    secrets = SecretBox(platform.settings.secrets_key.get_secret_value())
    return Keys(platform.database, platform.clock, platform.settings.key_pepper, secrets)


@key_app.command("create")
def create_key(
    account_id: str,
    name: Annotated[str, typer.Option(help="What the key is for.")] = "default",
    scope: Annotated[
        list[Scope] | None, typer.Option(help="What it may be used for; several, or none for everything.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="When it ends: 90d, 12h, 2027-01-31 or 2027-01-31T12:00:00Z.")
    ] = None,
    rpm: Annotated[
        int | None,
        typer.Option(
            help="Requests a minute, instead of the platform's.", min=1, max=MOST_REQUESTS_PER_MINUTE
        ),
    ] = None,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """Make an API key and its webhook secret. They are shown once and never again."""

    async def work(platform: Platform) -> tuple[str, str, str | None]:
        now = platform.clock.now()
        expires_at = None if expires is None else parse_expiry(expires, now)
        if expires is not None and (expires_at is None or expires_at <= now):
            fail("--expires is a time to come, such as 90d, 12h, 2027-01-31 or 2027-01-31T12:00:00Z")
        account = await _accounts(platform).get(account_id)
        keys = _keys(platform)
        key_id, api_key = await keys.create(account.id, name, scope or (), expires_at, rpm)
        own = await keys.webhook_secrets(key_id)
        return key_id, api_key, None if own is None else own.current

    key_id, api_key, secret = act(state_dir, work)
    if json:
        show_json({"key_id": key_id, "api_key": api_key, "webhook_secret": secret})
        return
    Console().print(
        f"key id          {key_id}\nAPI key         {api_key}\nwebhook secret  {secret}\n"
        "Keep them: they cannot be shown again."
    )


@key_app.command("list")
def list_keys(account_id: str, state_dir: StateDir = None, json: AsJson = False) -> None:
    """Show an account's keys, newest first, without what makes them usable."""

    async def work(platform: Platform) -> list[KeyFacts]:
        account = await _accounts(platform).get(account_id)
        return await _keys(platform).of_account(account.id)

    found = act(state_dir, work)
    if json:
        show_json({"keys": [_plain(one) for one in found]})
        return
    table = Table(box=None)
    for column in ("key id", "name", "key", "scopes", "requests/min", "expires", "state"):
        table.add_column(column, no_wrap=True)
    for one in found:
        table.add_row(
            one.key_id,
            one.name,
            f"sk_live_{one.prefix}…{one.last_four}",
            " ".join(one.scopes) or "all",
            str(one.requests_per_minute or "default"),
            f"{one.expires_at:%Y-%m-%d %H:%M}" if one.expires_at else "never",
            f"revoked {one.revoked_at:%Y-%m-%d %H:%M}" if one.revoked_at else "valid",
        )
    Console().print(table if found else "no keys")


@key_app.command("revoke")
def revoke_key(key_id: str, state_dir: StateDir = None, json: AsJson = False) -> None:
    """Void an API key, at once where the broker is there, within seconds otherwise."""

    async def work(platform: Platform) -> bool:
        await _keys(platform).revoke(key_id)
        await platform.publisher.wait_connected(seconds=3)
        return await platform.publisher.publish([Event(EventType.KEY_REVOKED, (key_id,))])

    told = act(state_dir, work)
    if json:
        show_json({"key_id": key_id, "revoked": True, "announced": told})
        return
    Console().print(f"revoked {key_id}" + ("" if told else "; the broker is away, it holds within 10 s"))


def parse_expiry(text: str, now: datetime) -> datetime | None:
    """`90d` and the like from now on, a day (its beginning, UTC) or a moment; None for anything else."""
    age = parse_since(text)
    if age is not None:
        return now + age
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _plain(one: KeyFacts) -> dict[str, object]:
    return {
        "key_id": one.key_id,
        "name": one.name,
        "prefix": one.prefix,
        "last_four": one.last_four,
        "scopes": list(one.scopes),
        "requests_per_minute": one.requests_per_minute,
        "created_at": one.created_at,
        "expires_at": one.expires_at,
        "revoked_at": one.revoked_at,
    }
