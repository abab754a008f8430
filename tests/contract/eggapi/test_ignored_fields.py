"""What older clients send and what nobody knows: accepted, and without any effect."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.stack import Stack


@pytest.mark.parametrize(
    "fields",
    [
        {"mode": "fast"},
        {"mode": "relaxed"},
        {"orientation": "portrait"},
        {"orientation": "landscape"},
        {"duration": 5},
        {"mode": None, "orientation": None, "duration": None},
        {
            "id": "gen_mine",
            "status": "completed",
            "cost": "$0.00",
            "account_id": "acc_1",
            "quote": {"hold_nano": 0},
        },
        {"$set": {"state": "completed"}, "a.b": 1, "": None, "__proto__": {"model": "veo3.1"}},
    ],
    ids=str,
)
async def test_a_field_without_meaning_changes_nothing(stack: Stack, fields: dict[str, Any]) -> None:
    async with await stack.customer() as customer:
        plain, other = await customer.submit(), await customer.submit(**fields)
        first, second = await stack.stored(plain), await stack.stored(other)

        assert other.startswith("gen_")
        assert other != "gen_mine"
        same = {"account_id", "kind", "model", "request", "quote", "callback_url", "dialect"}
        assert first.model_dump(include=same) == second.model_dump(include=same)
        finished = await customer.finished(other)
        assert (finished["status"], finished["cost"]) == ("completed", "$0.0100")


@pytest.mark.parametrize("mode", ["fast", "relaxed"])
async def test_the_mode_of_a_video_neither_changes_nor_spares_anything(stack: Stack, mode: str) -> None:
    async with await stack.customer() as customer:
        video = {"model": "veo3.1", "duration": 4}
        with_mode = await stack.stored(await customer.submit(**video, mode=mode, orientation="portrait"))
        plain = await stack.stored(await customer.submit(**video))

        assert with_mode.quote == plain.quote
        assert with_mode.quote.hold_nano == 4 * 80_000_000
        assert with_mode.request == plain.request
