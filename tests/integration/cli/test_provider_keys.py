"""Provider keys by id, and ending their rests."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.cli.providers import UnknownKey, end_rest, find_keys
from shared.mongo import Database
from tests.unit.building import NOON

KEYS = {"replicate": ("replicate-1",), "fal": ("fal-1", "fal-2")}
SOON = NOON + timedelta(minutes=5)


@pytest.fixture(autouse=True)
async def _rests(database: Database) -> None:
    await database["health"].insert_many(
        [
            {"_id": "key:fal-2", "until": SOON, "reason": "quota"},
            {"_id": "key:replicate-1", "until": NOON, "reason": "credential"},
            {"_id": "key:fal-gone", "until": SOON, "reason": "credential"},
            {"_id": "key:fal-1 on route:fal:banana", "until": SOON, "reason": "rate_limit"},
        ]
    )


async def test_every_key_is_listed_with_the_rest_that_still_lasts(database: Database) -> None:
    assert await find_keys(database, KEYS, NOON) == [
        {"provider": "fal", "key_id": "fal-1", "until": None, "reason": None},
        {"provider": "fal", "key_id": "fal-2", "until": SOON, "reason": "quota"},
        {"provider": "replicate", "key_id": "replicate-1", "until": None, "reason": None},
    ]


async def test_an_enabled_key_rests_no_more_and_others_do(database: Database) -> None:
    known = {"fal-1", "fal-2", "replicate-1"}

    assert await end_rest(database, known, "fal-2")
    assert not await end_rest(database, known, "fal-2")
    assert not await end_rest(database, known, "fal-1")

    assert {key["until"] for key in await find_keys(database, KEYS, NOON)} == {None}
    assert await database["health"].count_documents({}) == 3


async def test_the_rest_of_a_key_that_was_taken_from_the_settings_can_be_ended(database: Database) -> None:
    assert await end_rest(database, set(), "fal-gone")


async def test_a_key_that_nobody_knows_is_an_error(database: Database) -> None:
    with pytest.raises(UnknownKey, match="fal-3"):
        await end_rest(database, {"fal-1"}, "fal-3")
