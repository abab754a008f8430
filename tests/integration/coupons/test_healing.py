"""The api or billing dies between any two writes: no use is lost, none is given away."""

from __future__ import annotations

import pytest

from shared.coupons.coupon import Coupon
from shared.tasks.lifecycle import State
from tests.integration.coupons.building import CHEAP, SETTLING_TIME, Died, Shop, wish

TEN = Coupon("TEN", percent=10, uses=10)
ONCE = Coupon("ONCE", percent=10, uses=1)


@pytest.mark.parametrize(
    "point", ["api.between_block_and_tasks", "api.coupon_between_chains", "api.coupon_after_uses"]
)
async def test_a_submit_that_was_cut_off_leaves_no_use(shop: Shop, point: str) -> None:
    await shop.fund(10)
    async with shop.api(dies_at=point) as api:
        with pytest.raises(Died):
            await api.submit(wish(TEN))
    await shop.heal()

    async with shop.api() as api:
        task = await api.submit(wish(TEN))
    assert await shop.uses("TEN") == (9, 1, 0)
    assert await shop.uses("TEN", "acc_1") == (0, 1, 0)
    await shop.settle(await shop.end(task.id, State.GENERATED))
    balance = await shop.balance()
    assert (balance.available, balance.held, balance.spent) == (9 * CHEAP, 0, CHEAP)
    await shop.assert_clean()


async def test_a_refused_request_that_was_cut_off_leaves_no_use_of_its_account(shop: Shop) -> None:
    for account in ("acc_1", "acc_2"):
        await shop.fund(10, account)
    async with shop.api() as api:
        await api.submit(wish(ONCE))
    async with shop.api(dies_at="api.coupon_before_release") as api:
        with pytest.raises(Died):
            await api.submit(wish(ONCE, "acc_2"))
    assert await shop.uses("ONCE", "acc_2") == (0, 1, 0)

    await shop.heal()

    assert await shop.uses("ONCE", "acc_2") == (1, 0, 0)
    assert await shop.uses("ONCE") == (0, 1, 0)
    assert (await shop.balance("acc_2")).available == 10 * CHEAP
    await shop.assert_clean()


async def test_an_accepted_task_keeps_its_use_when_the_api_dies_right_after(shop: Shop) -> None:
    await shop.fund(10)
    async with shop.api(dies_at="api.after_tasks") as api:
        with pytest.raises(Died):
            await api.submit(wish(TEN))

    await shop.heal()

    assert await shop.uses("TEN") == (9, 1, 0)
    (task,) = [one async for one in shop.database["tasks"].find()]
    assert (task["state"], task["coupon"]) == ("queued", "TEN")


@pytest.mark.parametrize(("state", "uses"), [(State.GENERATED, (9, 0, 1)), (State.REJECTED, (10, 0, 0))])
async def test_a_settlement_that_was_cut_off_is_finished_by_the_next(
    shop: Shop, state: State, uses: tuple[int, int, int]
) -> None:
    await shop.fund(10)
    async with shop.api() as api:
        accepted = await api.submit(wish(TEN))
    task = await shop.end(accepted.id, state)

    with pytest.raises(Died):
        await shop.settle(task, dies_at="billing.after_block")
    await shop.settle(task)
    await shop.heal()

    assert await shop.uses("TEN") == uses
    await shop.assert_clean()


@pytest.mark.parametrize(("state", "uses"), [("completed", (9, 0, 1)), ("failed", (10, 0, 0))])
async def test_a_use_whose_task_is_over_ends_as_the_task_did(
    shop: Shop, state: str, uses: tuple[int, int, int]
) -> None:
    await shop.fund(10)
    async with shop.api() as api:
        task = await api.submit(wish(TEN))
    await shop.database["tasks"].update_one({"_id": task.id}, {"$set": {"state": state}})

    shop.clock.at += SETTLING_TIME
    assert await shop.sweep() == 2
    assert await shop.sweep() == 0
    assert await shop.uses("TEN") == uses


async def test_young_uses_and_those_of_tasks_that_go_on_are_left_alone(shop: Shop) -> None:
    await shop.fund(10)
    async with shop.api() as api:
        over, going_on = await api.submit(wish(TEN)), None
        await shop.fund(10, "acc_2")
        going_on = await api.submit(wish(TEN, "acc_2"))
    await shop.database["tasks"].update_one({"_id": over.id}, {"$set": {"state": "failed"}})

    assert await shop.sweep() == 0
    shop.clock.at += SETTLING_TIME
    assert await shop.sweep() == 2
    assert await shop.uses("TEN", going_on.account_id) == (0, 1, 0)


async def test_an_old_use_is_found_behind_many_that_are_over(shop: Shop) -> None:
    coupon = Coupon("MANY", percent=10, uses_per_account=100)
    await shop.fund(100)
    async with shop.api() as api:
        lost = await api.submit(wish(coupon))
        for _ in range(10):
            task = await api.submit(wish(coupon))
            await shop.settle(await shop.end(task.id, State.GENERATED))
    await shop.database["tasks"].update_one({"_id": lost.id}, {"$set": {"state": "cancelled"}})
    shop.clock.at += SETTLING_TIME

    assert await shop.sweep() == 2
    assert (await shop.uses("MANY"))[1:] == (0, 10)
