"""`hatchery account limit | discount | thresholds` and `hatchery key limit`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from services.cli.actor import Actor
from services.cli.amounts import positive_nano
from services.cli.context import AsJson, StateDir, act, fail, show_json
from services.cli.limits_shown import caps_plain, caps_text, thresholds_plain, thresholds_text
from shared.accounts.account import UnknownAccount
from shared.accounts.discounts import Discounts
from shared.accounts.key import UnknownKey
from shared.accounts.thresholds import MOST_USAGE_THRESHOLDS, Thresholds, ThresholdStore
from shared.catalog.terms import EVERY_MODEL
from shared.ledger.caps import Caps, Per
from shared.ledger.chain import Ledger
from shared.ledger.limits import SpendLimits
from shared.runtime import Platform

Day = Annotated[str | None, typer.Option(help="The most it may spend in a day (UTC), in USD.")]
Month = Annotated[str | None, typer.Option(help="The most it may spend in a month (UTC), in USD.")]
CapsOff = Annotated[bool, typer.Option("--off", help="Remove its caps.")]


def limit_account(
    account_id: str,
    actor: Actor,
    day: Day = None,
    month: Month = None,
    off: CapsOff = False,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """Cap what an account may spend. What it has spent in the current day and month counts."""
    wanted = _wanted(day, month, off)

    async def work(platform: Platform) -> Caps:
        await _must_exist(platform, account_id)
        return await _limit(platform, account_id, None, wanted, actor)

    _show_caps(act(state_dir, work), {"account_id": account_id}, json)


def limit_key(
    key_id: str,
    actor: Actor,
    day: Day = None,
    month: Month = None,
    off: CapsOff = False,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """Cap what an API key may spend, within its account's own caps."""
    wanted = _wanted(day, month, off)

    async def work(platform: Platform) -> Caps:
        found = await platform.database["keys"].find_one({"_id": key_id}, {"account_id": 1})
        if found is None:
            raise UnknownKey(f"There is no API key {key_id}.")
        return await _limit(platform, found["account_id"], key_id, wanted, actor)

    _show_caps(act(state_dir, work), {"key_id": key_id}, json)


def discount_account(
    account_id: str,
    percent: Annotated[int | None, typer.Argument(help="Whole percents off every price.")] = None,
    model: Annotated[str, typer.Option(help="Of this model only; without it of all others.")] = EVERY_MODEL,
    off: Annotated[bool, typer.Option("--off", help="Agree on none any more.")] = False,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """Agree on a discount; api processes take it up within ten seconds."""
    if (percent is None) != off:
        fail("say either how many percent or --off")
    if percent is not None and not 1 <= percent <= 100:
        fail("a discount is 1 to 100 percent")

    async def work(platform: Platform) -> dict[str, int]:
        await _must_exist(platform, account_id)
        discounts = Discounts(platform.database)
        if percent is None:
            await discounts.remove(account_id, model)
        else:
            if model not in {EVERY_MODEL, *platform.catalog.models}:
                known = ", ".join(sorted(platform.catalog.models))
                fail(f"the catalog has no model {model}; it has {known}")
            await discounts.set(account_id, model, percent)
        return await discounts.of(account_id)

    agreed = act(state_dir, work)
    if json:
        show_json({"account_id": account_id, "discounts": agreed})
        return
    text = ", ".join(f"{percent}% off {one}" for one, percent in sorted(agreed.items()))
    Console().print(text or "no discounts", highlight=False, markup=False)


def set_thresholds(
    account_id: str,
    low_balance: Annotated[
        str | None, typer.Option(help="USD: tell when less than this is available.")
    ] = None,
    usage: Annotated[
        str | None, typer.Option(help="USD, several with commas: tell when a month's charges reach it.")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Tell nothing any more.")] = False,
    state_dir: StateDir = None,
    json: AsJson = False,
) -> None:
    """Choose when an account is told of its money by webhook, in the place of what was chosen before."""
    if off == (low_balance is not None or usage is not None):
        fail("say either --low-balance, --usage or both, or --off")
    steps = sorted({positive_nano(one.strip()) for one in usage.split(",")}) if usage is not None else []
    if len(steps) > MOST_USAGE_THRESHOLDS:
        fail(f"an account has at most {MOST_USAGE_THRESHOLDS} usage thresholds")
    wanted = Thresholds(None if low_balance is None else positive_nano(low_balance), tuple(steps))

    async def work(platform: Platform) -> Thresholds:
        await _must_exist(platform, account_id)
        ledger = Ledger(platform.database, platform.clock)
        store = ThresholdStore(platform.database, ledger, platform.clock)
        if off:
            await store.remove(account_id)
        else:
            await store.set(account_id, wanted)
        return await store.of(account_id)

    kept = act(state_dir, work)
    if json:
        show_json({"account_id": account_id, "thresholds": thresholds_plain(kept)})
        return
    Console().print(thresholds_text(kept), highlight=False)


def _wanted(day: str | None, month: str | None, off: bool) -> dict[Per, int]:
    """Nano-USD by kind of period; nothing with --off."""
    given = {per: text for per, text in ((Per.DAY, day), (Per.MONTH, month)) if text is not None}
    if off == bool(given):
        fail("say either --day, --month or both, or --off")
    return {per: positive_nano(text) for per, text in given.items()}


async def _limit(
    platform: Platform, account_id: str, key_id: str | None, wanted: dict[Per, int], actor: str
) -> Caps:
    limits = SpendLimits(Ledger(platform.database, platform.clock), platform.clock)
    for per, limit_nano in wanted.items():
        await limits.impose(account_id, key_id, per, limit_nano, actor)
    if not wanted:
        for per in Per:
            await limits.lift(account_id, key_id, per, actor)
    return tuple(cap for cap in await limits.of(account_id) if cap.key_id == key_id)


async def _must_exist(platform: Platform, account_id: str) -> None:
    if await platform.database["accounts"].find_one({"_id": account_id}, {"_id": 1}) is None:
        raise UnknownAccount(f"There is no account {account_id}.")


def _show_caps(caps: Caps, whose: dict[str, str], json: bool) -> None:
    if json:
        show_json({**whose, "limits": caps_plain(caps)})
        return
    Console().print("\n".join(caps_text(caps)) or "no spend caps", highlight=False)
