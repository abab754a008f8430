"""`hatchery coupon`: codes that make requests cheaper."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from services.cli.actor import Actor
from services.cli.amounts import positive_nano
from services.cli.context import AsJson, StateDir, act, fail, show_json
from shared.coupons.coupon import Coupon
from shared.coupons.store import Coupons, Kept
from shared.ledger.block import Balance
from shared.ledger.chain import Ledger
from shared.ledger.chains import coupon_chain
from shared.money import usd_from_nano
from shared.runtime import Platform

coupon_app = typer.Typer(help="Coupons of the Aigenway dialect.", no_args_is_help=True)


@coupon_app.command("create")
def create_coupon(
    code: Annotated[str, typer.Argument(help="1 to 32 characters of A-Z 0-9 _ -")],
    actor: Actor,
    percent: Annotated[int | None, typer.Option(help="What it takes off: 1 to 100 percent.")] = None,
    amount: Annotated[str | None, typer.Option(help="Or so many USD, such as 2.50.")] = None,
    valid_from: Annotated[
        str | None, typer.Option("--from", help="2027-01-31 (its beginning, UTC) or 2027-01-31T12:00:00Z.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="The last day, 2027-01-31 (UTC), or the moment when it ends.")
    ] = None,
    uses: Annotated[int | None, typer.Option(help="By all accounts together; without it no limit.")] = None,
    uses_per_account: Annotated[int, typer.Option(help="By one account.")] = 1,
    model: Annotated[
        list[str] | None,
        typer.Option(help="A model of the catalog; several, or none for all."),
    ] = None,
    minimum: Annotated[str | None, typer.Option(help="USD that a request must cost without it.")] = None,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """Make a coupon. It cannot be changed later, only disabled."""
    coupon = Coupon(
        code=code.upper(),
        percent=percent,
        fixed_nano=None if amount is None else positive_nano(amount),
        uses=uses,
        uses_per_account=uses_per_account,
        valid_from=None if valid_from is None else _moment(valid_from, "--from"),
        valid_until=None if until is None else _moment(until, "--until", day_is_included=True),
        models=frozenset(model or ()),
        minimum_nano=0 if minimum is None else positive_nano(minimum),
    )

    async def work(platform: Platform) -> Kept:
        unknown = sorted(coupon.models - platform.catalog.models.keys())
        if unknown:
            known = ", ".join(sorted(platform.catalog.models))
            fail(f"the catalog has no model {unknown[0]}; it has {known}")
        if coupon.valid_until is not None and coupon.valid_until <= platform.clock.now():
            fail("--until has passed already")
        return await Coupons(platform.database, platform.clock).create(coupon, actor)

    _show(act(state_dir, work), Balance(), json)


@coupon_app.command("list")
def list_coupons(state_dir: StateDir = None, json: AsJson = False) -> None:
    """All coupons, and how often they have been used."""

    async def work(platform: Platform) -> list[tuple[Kept, Balance]]:
        found = await Coupons(platform.database, platform.clock).all()
        ledger = Ledger(platform.database, platform.clock)
        tails = await ledger.balances([coupon_chain(one.coupon.code) for one in found])
        return [(one, tails[coupon_chain(one.coupon.code)]) for one in found]

    found = act(state_dir, work)
    if json:
        show_json({"coupons": [_plain(one, tail) for one, tail in found]})
        return
    table = Table(box=None)
    for column in ("code", "takes off", "used", "of", "until", "state"):
        table.add_column(column, no_wrap=True)
    for one, tail in found:
        coupon = one.coupon
        table.add_row(
            coupon.code,
            _off(coupon),
            str(tail.spent + tail.held),
            "any" if coupon.uses is None else str(coupon.uses),
            f"{coupon.valid_until:%Y-%m-%d %H:%M}" if coupon.valid_until else "ever",
            "disabled" if coupon.disabled else "on",
        )
    Console().print(table if found else "no coupons")


@coupon_app.command("show")
def show_coupon(code: str, state_dir: StateDir = None, json: AsJson = False) -> None:
    """A coupon, and how often it has been used."""

    async def work(platform: Platform) -> tuple[Kept, Balance]:
        found = await Coupons(platform.database, platform.clock).get(code.upper())
        return found, await _tail(platform, found.coupon.code)

    _show(*act(state_dir, work), json)


@coupon_app.command("disable")
def disable_coupon(code: str, state_dir: StateDir = None, json: AsJson = False) -> None:
    """Accept a coupon no more. Tasks that have been accepted with it keep their price."""

    async def work(platform: Platform) -> tuple[Kept, Balance]:
        found = await Coupons(platform.database, platform.clock).disable(code.upper())
        return found, await _tail(platform, found.coupon.code)

    _show(*act(state_dir, work), json)


async def _tail(platform: Platform, code: str) -> Balance:
    chain = coupon_chain(code)
    return (await Ledger(platform.database, platform.clock).balances([chain]))[chain]


def _moment(text: str, option: str, day_is_included: bool = False) -> datetime:
    """A day or a moment; a day means its beginning, or with `day_is_included` its end."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{option} is a day or a moment, such as 2027-01-31 or 2027-01-31T12:00:00Z")
    if day_is_included and _is_day(text):
        at += timedelta(days=1)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _off(coupon: Coupon) -> str:
    return f"{coupon.percent} %" if coupon.percent else f"${usd_from_nano(coupon.fixed_nano or 0, 9)}"


def _show(one: Kept, tail: Balance, json: bool) -> None:
    plain = _plain(one, tail)
    if json:
        show_json(plain)
        return
    lines = {name: " ".join(value) if isinstance(value, list) else value for name, value in plain.items()}
    Console().print(
        "\n".join(f"{name:<18}{value}" for name, value in lines.items() if value not in (None, "")),
        highlight=False,
    )


def _plain(one: Kept, tail: Balance) -> dict[str, Any]:
    coupon = one.coupon
    return {
        "code": coupon.code,
        "percent": coupon.percent,
        "amount_usd": None if coupon.fixed_nano is None else usd_from_nano(coupon.fixed_nano, 9),
        "valid_from": coupon.valid_from,
        "valid_until": coupon.valid_until,
        "uses": coupon.uses,
        "uses_per_account": coupon.uses_per_account,
        "models": sorted(coupon.models),
        "minimum_usd": usd_from_nano(coupon.minimum_nano, 9),
        "disabled": coupon.disabled,
        "created_at": one.created_at,
        "actor": one.actor,
        "used": tail.spent,
        "in_progress": tail.held,
    }
