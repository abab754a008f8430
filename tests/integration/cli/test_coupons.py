"""`hatchery coupon`."""

from __future__ import annotations

import orjson

from shared.coupons.coupon import Coupon
from shared.coupons.store import Coupons
from tests.harness.stack import Stack
from tests.integration.cli.test_commands import hatchery


async def test_a_coupon_is_made_shown_listed_and_disabled(own_stack: Stack) -> None:
    code, printed = await hatchery(
        *(own_stack, "coupon", "create", "spring_27", "--percent", "25", "--uses", "100"),
        *("--uses-per-account", "2", "--model", "nanobanana-2", "--model", "kling-2.6"),
        *("--from", "2027-03-01", "--until", "2027-03-31", "--minimum", "0.50", "--actor", "anna", "--json"),
    )
    assert code == 0, printed
    made = orjson.loads(printed)
    assert made.pop("created_at")
    assert made == {
        "code": "SPRING_27",
        "percent": 25,
        "amount_usd": None,
        "valid_from": "2027-03-01T00:00:00+00:00",
        "valid_until": "2027-04-01T00:00:00+00:00",
        "uses": 100,
        "uses_per_account": 2,
        "models": ["kling-2.6", "nanobanana-2"],
        "minimum_usd": "0.500000000",
        "disabled": False,
        "actor": "anna",
        "used": 0,
        "in_progress": 0,
    }
    assert (await hatchery(own_stack, "coupon", "create", "FIVE", "--amount", "5"))[0] == 0

    code, printed = await hatchery(own_stack, "coupon", "list")
    assert code == 0
    assert [line.split()[:2] for line in printed.splitlines()[1:]] == [
        ["FIVE", "$5.000000000"],
        ["SPRING_27", "25"],
    ]
    code, printed = await hatchery(own_stack, "coupon", "disable", "SPRING_27", "--json")
    assert orjson.loads(printed)["disabled"] is True
    code, printed = await hatchery(own_stack, "coupon", "show", "spring_27")
    assert code == 0
    assert "disabled          True" in printed
    code, printed = await hatchery(own_stack, "coupon", "list", "--json")
    assert [one["code"] for one in orjson.loads(printed)["coupons"]] == ["FIVE", "SPRING_27"]


async def test_what_cannot_be_a_coupon_is_told(own_stack: Stack) -> None:
    await Coupons(own_stack.database, own_stack.clock).create(Coupon("TEN", percent=10), "test")
    for words, complaint in {
        ("NEW",): "either a percentage or an amount",
        ("NEW", "--percent", "10", "--amount", "1"): "either a percentage or an amount",
        ("NEW", "--percent", "101"): "1 to 100",
        ("NO SPACE", "--percent", "10"): "1 to 32 characters",
        ("TEN", "--percent", "10"): "there is a coupon TEN already",
        ("NEW", "--amount", "0"): "more than 0",
        ("NEW", "--amount", "ten"): "is not an amount",
        ("NEW", "--percent", "10", "--uses", "0"): "uses must be 1 to",
        ("NEW", "--percent", "10", "--until", "soon"): "--until is a day or a moment",
        ("NEW", "--percent", "10", "--until", "2020-01-01"): "--until has passed already",
        ("NEW", "--percent", "10", "--model", "hen-1"): "the catalog has no model hen-1",
    }.items():
        code, printed = await hatchery(own_stack, "coupon", "create", *words)
        assert (code, complaint in printed) == (1, True), printed
    assert [kept.coupon.code for kept in await Coupons(own_stack.database, own_stack.clock).all()] == ["TEN"]

    code, printed = await hatchery(own_stack, "coupon", "show", "NONE")
    assert (code, "there is no coupon NONE" in printed) == (1, True)
