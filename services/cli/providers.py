"""`hatchery provider keys | enable`: the keys of providers, by id, and their rests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from services.cli.context import AsJson, StateDir, act, show_json
from shared.errors import HatcheryError
from shared.mongo import Database
from shared.providers.keys import key_ids
from shared.routing.health import key_subject
from shared.runtime import Platform

provider_app = typer.Typer(help="Providers and the keys that they are called with.", no_args_is_help=True)


class UnknownKey(HatcheryError):
    """There is no provider key with this id."""


@provider_app.command("keys")
def list_keys(state_dir: StateDir = None, json: AsJson = False) -> None:
    """Show the configured keys by id, and which of them rest."""

    async def work(platform: Platform) -> list[dict[str, Any]]:
        keys = key_ids(platform.settings.providers)
        return await find_keys(platform.database, keys, platform.clock.now())

    keys = act(state_dir, work)
    if json:
        show_json(keys)
        return
    if not keys:
        Console().print("no provider has keys")
        return
    table = Table("provider", "key", "rests until (UTC)", "because of")
    for key in keys:
        until = key["until"]
        table.add_row(
            key["provider"], key["key_id"], f"{until:%Y-%m-%d %H:%M:%S}" if until else "", key["reason"] or ""
        )
    Console().print(table)


@provider_app.command("enable")
def enable_key(key_id: str, state_dir: StateDir = None, json: AsJson = False) -> None:
    """End the rest of a key; it is used again within seconds."""

    async def work(platform: Platform) -> bool:
        known = {key for keys in key_ids(platform.settings.providers).values() for key in keys}
        return await end_rest(platform.database, known, key_id)

    rested = act(state_dir, work)
    if json:
        show_json({"key_id": key_id, "rested": rested})
        return
    Console().print(f"enabled {key_id}" if rested else f"{key_id} was not resting")


async def find_keys(
    database: Database, keys: Mapping[str, tuple[str, ...]], now: datetime
) -> list[dict[str, Any]]:
    """`{"provider", "key_id", "until", "reason"}` for each key; the last two are None unless it rests."""
    subjects = [key_subject(key) for ids in keys.values() for key in ids]
    resting = database["health"].find({"_id": {"$in": subjects}, "until": {"$gt": now}})
    rests = {document["_id"]: document async for document in resting}
    found = []
    for provider, ids in sorted(keys.items()):
        for key in ids:
            rest = rests.get(key_subject(key), {})
            found.append(
                {
                    "provider": provider,
                    "key_id": key,
                    "until": rest.get("until"),
                    "reason": rest.get("reason"),
                }
            )
    return found


async def end_rest(database: Database, known: set[str], key_id: str) -> bool:
    """Whether there was a rest to end. Raises UnknownKey."""
    result = await database["health"].delete_one({"_id": key_subject(key_id)})
    if not result.deleted_count and key_id not in known:
        raise UnknownKey(f"There is no provider key {key_id}; `hatchery provider keys` lists them.")
    return bool(result.deleted_count)
