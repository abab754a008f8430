"""Who gets a coupon when many want it, and what becomes of those who do not."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from fastapi import Response

from services.api.claims import Answer
from services.api.coupons import CouponReader
from services.api.errors import IdempotencyKeyInUse
from services.api.idempotency import Idempotency
from services.api.submit import KeyTaken, Submission
from shared.coupons.coupon import BrokenCoupon, Coupon
from shared.coupons.refusals import CouponAlreadyUsed, CouponInvalid, CouponUsedUp
from shared.coupons.store import Coupons, UnknownCoupon
from shared.coupons.uses import CouponUses
from shared.killpoints import KillPoints
from shared.ledger.refusals import InsufficientBalance
from shared.tasks.lifecycle import Role, State
from shared.tasks.model import Task
from shared.tasks.store import TaskStore
from tests.integration.coupons.building import CHEAP, Died, Shop, wish

ONCE = Coupon("ONCE", percent=10, uses=1)
EVERYBODY = Coupon("EVERYBODY", percent=10)


def reader(shop: Shop) -> CouponReader:
    uses = CouponUses(shop.ledger, KillPoints())
    return CouponReader(Coupons(shop.database, shop.clock), uses, shop.clock)


async def sent(idempotency: Idempotency, request: Submission) -> Response:
    """What the api answers to a request that may have been sent before."""
    try:
        return await idempotency.create(request, lambda task: Answer(202, task.id.encode()))
    except CouponAlreadyUsed as refused:
        return await idempotency.without_coupon(request.owner, request.claim, refused)


@pytest.mark.parametrize("accounts", [1, 50])
async def test_fifty_at_once_over_two_processes_get_a_one_use_coupon_once(shop: Shop, accounts: int) -> None:
    names = [f"acc_{number % accounts}" for number in range(50)]
    for name in set(names):
        await shop.fund(50, name)

    async with shop.api() as first, shop.api() as second:
        apis = (first, second)
        answers = await asyncio.gather(
            *(apis[number % 2].submit(wish(ONCE, name)) for number, name in enumerate(names)),
            return_exceptions=True,
        )

    (winner,) = [one for one in answers if isinstance(one, Task)]
    refused = Counter(type(one) for one in answers if not isinstance(one, Task))
    assert refused.total() == 49
    assert set(refused) <= {CouponAlreadyUsed, CouponUsedUp}
    assert winner.coupon == "ONCE"
    assert await shop.uses("ONCE") == (0, 1, 0)
    await shop.settle_rejected()
    for name in set(names):
        balance = await shop.balance(name)
        mine = CHEAP if name == winner.account_id else 0
        assert (balance.available, balance.held) == (50 * CHEAP - mine, mine)
    await shop.settle(await shop.end(winner.id, State.GENERATED))
    assert await shop.uses("ONCE") == (0, 0, 1)
    await shop.assert_clean()


async def test_one_account_cannot_crowd_others_out_with_what_it_may_have_once(shop: Shop) -> None:
    coupon = Coupon("TWO", percent=10, uses=2)
    for account in ("acc_1", "acc_2"):
        await shop.fund(50, account)

    async with shop.api() as api:
        many = [wish(coupon, "acc_1") for _ in range(20)]
        answers = await asyncio.gather(
            *(api.submit(one) for one in (*many, wish(coupon, "acc_2"))), return_exceptions=True
        )

    assert [one.account_id for one in answers if isinstance(one, Task)] == ["acc_1", "acc_2"]


async def test_an_account_uses_a_coupon_as_often_as_it_may(shop: Shop) -> None:
    coupon = Coupon("TWICE", percent=10, uses_per_account=2)
    for account in ("acc_1", "acc_2"):
        await shop.fund(10, account)

    async with shop.api() as api:
        for _ in range(2):
            await api.submit(wish(coupon))
        with pytest.raises(CouponAlreadyUsed):
            await api.submit(wish(coupon))
        await api.submit(wish(coupon, "acc_2"))

    assert await shop.uses("TWICE", "acc_1") == (0, 2, 0)
    assert await shop.uses("TWICE", "acc_2") == (1, 1, 0)


async def test_a_task_that_failed_gives_its_use_back(shop: Shop) -> None:
    await shop.fund(10)
    async with shop.api() as api:
        task = await api.submit(wish(ONCE))
        await shop.settle(await shop.end(task.id, State.REJECTED))
        assert await shop.uses("ONCE", "acc_1") == (1, 0, 0)

        again = await api.submit(wish(ONCE))
        await shop.settle(await shop.end(again.id, State.GENERATED))
        with pytest.raises(CouponAlreadyUsed):
            await api.submit(wish(ONCE))

    await shop.settle_rejected()
    assert await shop.uses("ONCE", "acc_1") == await shop.uses("ONCE") == (0, 0, 1)
    assert (await shop.balance()).spent == CHEAP
    await shop.assert_clean()


async def test_a_redelivered_ending_counts_a_use_once(shop: Shop) -> None:
    await shop.fund(10)
    async with shop.api() as api:
        accepted = await api.submit(wish(EVERYBODY))
    task = await shop.end(accepted.id, State.GENERATED)

    await shop.settle(task)
    await shop.settle(task)

    assert (await shop.uses("EVERYBODY"))[1:] == (0, 1)
    await shop.assert_clean()


async def test_without_money_no_use_is_taken(shop: Shop) -> None:
    async with shop.api() as api:
        with pytest.raises(InsufficientBalance):
            await api.submit(wish(ONCE))

    assert await shop.database["ledger"].count_documents({}) == 0


async def test_who_loses_its_idempotency_key_gets_money_and_use_back(shop: Shop) -> None:
    await shop.fund(10)
    twice = Coupon("TWICE", percent=10, uses=2, uses_per_account=2)
    async with shop.api() as api, shop.api() as another:
        answers = await asyncio.gather(
            *(one.submit(wish(twice, key="order-1")) for one in (api, another)), return_exceptions=True
        )

    assert Counter(type(one) for one in answers) == {Task: 1, KeyTaken: 1}
    await shop.settle_rejected()
    assert await shop.uses("TWICE") == await shop.uses("TWICE", "acc_1") == (1, 1, 0)
    assert (await shop.balance()).held == CHEAP


async def test_a_request_whose_twin_has_taken_the_coupon_gets_the_twins_answer(shop: Shop) -> None:
    await shop.fund(10)
    store = TaskStore(shop.database, shop.clock, Role.API)
    async with shop.api() as api:
        idempotency = Idempotency(store, api)
        first, second = [await sent(idempotency, wish(ONCE, key="order-1")) for _ in range(2)]
        with pytest.raises(CouponAlreadyUsed):
            await sent(idempotency, wish(ONCE, key="order-2"))
        with pytest.raises(CouponAlreadyUsed):
            await sent(idempotency, wish(ONCE))

    assert first.body == second.body
    await shop.settle_rejected()
    assert (await shop.balance()).held == CHEAP
    assert await shop.uses("ONCE") == (0, 1, 0)


async def test_while_its_twin_with_the_coupon_is_on_its_way_a_request_is_told_to_wait(shop: Shop) -> None:
    await shop.fund(10)
    store = TaskStore(shop.database, shop.clock, Role.API)
    async with shop.api(dies_at="api.coupon_after_uses") as api:
        with pytest.raises(Died):
            await api.submit(wish(ONCE, key="order-1"))

    async with shop.api() as api:
        idempotency = Idempotency(store, api)
        with pytest.raises(IdempotencyKeyInUse):
            await sent(idempotency, wish(ONCE, key="order-1"))
        with pytest.raises(CouponAlreadyUsed):
            await sent(idempotency, wish(ONCE))
        await shop.heal()
        assert (await sent(idempotency, wish(ONCE, key="order-1"))).status_code == 202
    await shop.settle_rejected()
    assert await shop.uses("ONCE") == (0, 1, 0)
    assert (await shop.balance()).held == CHEAP


async def test_tasks_without_a_coupon_cost_no_round_trip_more(shop: Shop) -> None:
    await shop.fund(10)
    async with shop.api() as api:
        task = await api.submit(wish(None))

    assert "coupon" not in await shop.stored(task.id)
    assert await shop.database["ledger"].distinct("account") == ["acc_1"]


async def test_a_hopeless_request_is_refused_before_it_costs_a_hold(shop: Shop) -> None:
    coupons = Coupons(shop.database, shop.clock)
    await coupons.create(ONCE, "anna")
    await shop.fund(10)
    async with shop.api() as api:
        coupon = await reader(shop).usable("once", "acc_1")
        assert coupon == ONCE
        await api.submit(wish(coupon))

    with pytest.raises(CouponAlreadyUsed):
        await reader(shop).usable("ONCE", "acc_1")
    with pytest.raises(CouponUsedUp):
        await reader(shop).usable("ONCE", "acc_2")
    await coupons.disable("ONCE")
    with pytest.raises(CouponInvalid, match="no longer accepted"):
        await reader(shop).usable("ONCE", "acc_2")
    with pytest.raises(CouponInvalid, match="no such coupon"):
        await reader(shop).usable("NONE", "acc_2")


async def test_coupons_are_kept_as_they_were_made(shop: Shop) -> None:
    coupons = Coupons(shop.database, shop.clock)
    await coupons.create(ONCE, "anna")
    await coupons.create(EVERYBODY, "ben")

    with pytest.raises(BrokenCoupon, match="already"):
        await coupons.create(Coupon("ONCE", percent=99), "mallory")
    assert [(kept.coupon, kept.actor) for kept in await coupons.all()] == [
        (EVERYBODY, "ben"),
        (ONCE, "anna"),
    ]
    assert (await coupons.disable("ONCE")).coupon.disabled
    assert (await coupons.get("ONCE")).coupon.disabled
    with pytest.raises(UnknownCoupon):
        await coupons.disable("NONE")
