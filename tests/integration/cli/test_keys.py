"""`hatchery key` as an operator types it."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest

from services.cli.keys import parse_expiry
from tests.harness.stack import Stack
from tests.integration.cli.test_commands import hatchery
from tests.unit.building import NOON


async def test_a_key_is_made_with_limits_and_shown_without_its_secret(own_stack: Stack) -> None:
    async with await own_stack.customer() as customer:
        account = customer.account_id
    words = ("--scope", "chat", "--scope", "images", "--expires", "90d", "--rpm", "60", "--json")
    code, printed = await hatchery(own_stack, "key", "create", account, "--name", "shop", *words)
    assert code == 0, printed
    made = orjson.loads(printed)

    code, printed = await hatchery(own_stack, "key", "list", account, "--json")
    shown = {one["key_id"]: one for one in orjson.loads(printed)["keys"]}[made["key_id"]]

    assert code == 0
    assert (shown["name"], shown["scopes"], shown["requests_per_minute"]) == ("shop", ["chat", "images"], 60)
    assert shown["expires_at"] is not None
    assert made["api_key"] not in printed
    assert made["api_key"].startswith(f"sk_live_{shown['prefix']}_")

    await hatchery(own_stack, "key", "revoke", made["key_id"])
    code, printed = await hatchery(own_stack, "key", "list", account)
    assert "revoked" in next(line for line in printed.splitlines() if made["key_id"] in line)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--expires", "yesterday"), "--expires is a time to come"),
        (("--expires", "2020-01-01"), "--expires is a time to come"),
        (("--scope", "everything"), "everything"),
        (("--rpm", "0"), "rpm"),
    ],
)
async def test_what_makes_no_sense_makes_no_key(own_stack: Stack, words: tuple[str, ...], said: str) -> None:
    async with await own_stack.customer() as customer:
        code, printed = await hatchery(own_stack, "key", "create", customer.account_id, *words)

    assert code != 0
    assert said in printed
    assert await own_stack.database["keys"].count_documents({}) == 1


def test_expiry_is_a_span_a_day_or_a_moment() -> None:
    assert parse_expiry("12h", NOON) == NOON + timedelta(hours=12)
    assert parse_expiry("2026-03-14T12:00:00Z", NOON) == NOON
    assert parse_expiry("2026-03-15", NOON) == NOON + timedelta(hours=12)
    assert parse_expiry("2026-03-14T14:00:00+02:00", NOON) == NOON
    assert parse_expiry("soon", NOON) is None
