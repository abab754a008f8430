"""Coupons that a test's customers may use."""

from __future__ import annotations

import uuid
from typing import Any

from shared.coupons.coupon import Coupon
from shared.coupons.store import Coupons
from shared.ledger.chains import coupon_chain
from tests.harness.stack import Stack


async def make_coupon(stack: Stack, **facts: Any) -> str:
    """The code of a new one; ten percent unless said otherwise."""
    if "fixed_nano" not in facts:
        facts.setdefault("percent", 10)
    coupon = Coupon(uuid.uuid4().hex.upper(), **facts)
    await Coupons(stack.database, stack.clock).create(coupon, "test")
    return coupon.code


async def welcome10(stack: Stack) -> None:
    """The coupon of the platform's own examples."""
    coupons = Coupons(stack.database, stack.clock)
    if await coupons.find("WELCOME10") is None:
        await coupons.create(Coupon("WELCOME10", percent=10), "test")


async def uses(stack: Stack, code: str) -> tuple[int, int]:
    """In progress, and used."""
    chain = coupon_chain(code)
    tail = (await stack.ledger().balances([chain]))[chain]
    return tail.held, tail.spent
