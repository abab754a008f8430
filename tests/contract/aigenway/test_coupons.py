"""The field `coupon`: what it takes off, how often, and each error."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.coupons.store import Coupons
from tests.contract.aigenway.client import IMAGE, TEXT, AigenwayCustomer
from tests.harness.coupons import make_coupon, uses
from tests.harness.eventually import eventually
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

PROMPT = {"prompt": "a cat"}
PRICE = 120_000_000
DAY = timedelta(days=1)


async def estimated(customer: AigenwayCustomer, code: str) -> httpx.Response:
    return await customer.http.post("/v1/estimate", json={**IMAGE, "params": PROMPT, "coupon": code})


def assert_refused(answer: httpx.Response, error: str, words: str, code: str) -> None:
    told = answer.json()["error"]
    assert (answer.status_code, told["code"], told["details"]) == (422, error, {"coupon": code})
    assert words in told["message"]


async def is_used(stack: Stack, code: str) -> bool:
    return await uses(stack, code) == (0, 1)


async def refused_by_both(customer: AigenwayCustomer, code: str, error: str, words: str) -> None:
    assert_refused(await estimated(customer, code), error, words, code)
    assert_refused(await customer.generate(IMAGE, params=PROMPT, coupon=code), error, words, code)


@pytest.mark.parametrize(
    ("facts", "off"),
    [({"percent": 25}, 30_000_000), ({"fixed_nano": 20_000_000}, 20_000_000), ({"percent": 100}, PRICE)],
)
async def test_an_estimate_takes_no_use_and_a_generation_takes_one(
    stack: Stack, customer: AigenwayCustomer, facts: dict[str, Any], off: int
) -> None:
    code = await make_coupon(stack, **facts)

    for _ in range(2):
        told = (await estimated(customer, code.lower())).json()
        assert (told["estimated_amount"], told["discount_amount"]) == (
            str((PRICE - off) // 10),
            str(off // 10),
        )
    assert await uses(stack, code) == (0, 0)
    task_id = await customer.queued(IMAGE, params=PROMPT, coupon=code)
    assert (await customer.finished(task_id))["status"] == "SUCCEEDED"

    assert (await stack.stored(task_id)).cost_nano == PRICE - off
    assert await uses(stack, code) == (0, 1)
    await refused_by_both(customer, code, "coupon_already_used", "This account has used this coupon already")


async def test_all_uses_may_be_taken_by_others(stack: Stack, customer: AigenwayCustomer) -> None:
    code = await make_coupon(stack, uses=1)
    async with await stack.customer("1") as other:
        body = {**IMAGE, "params": PROMPT, "coupon": code}
        assert (await other.http.post("/v1/generations", json=body)).status_code == 202

    await refused_by_both(customer, code, "coupon_already_used", "used up")


async def test_a_coupon_of_a_failed_task_can_be_used_again(
    stack: Stack, simulator: Simulator, customer: AigenwayCustomer
) -> None:
    code, prompt = await make_coupon(stack), f"refused {uuid.uuid4().hex}"
    await simulator.rules(
        {"provider": "*", "when": {"prompt_contains": prompt}, "then": {"fault": "refusal"}}
    )

    failed = await customer.queued(IMAGE, params={"prompt": prompt}, coupon=code)
    assert (await customer.finished(failed))["status"] == "FAILED"
    task_id = await customer.queued(IMAGE, params=PROMPT, coupon=code)

    assert (await customer.finished(task_id))["status"] == "SUCCEEDED"
    assert await uses(stack, code) == (0, 1)


async def test_a_text_method_takes_a_coupon_too(stack: Stack, customer: AigenwayCustomer) -> None:
    code = await make_coupon(stack, percent=50)
    body = {**TEXT, "params": PROMPT}

    plain = await customer.http.post("/v1/generations", json=body)
    cheaper = await customer.http.post("/v1/generations", json={**body, "coupon": code})

    assert (plain.status_code, cheaper.status_code) == (200, 200)
    await eventually(lambda: is_used(stack, code))
    task = await stack.stored(cheaper.json()["task_id"])
    assert (task.coupon, task.state) == (code, "completed")
    assert 0 < task.cost_nano < (await stack.stored(plain.json()["task_id"])).cost_nano


async def test_a_coupon_out_of_its_time_is_refused(stack: Stack, customer: AigenwayCustomer) -> None:
    now = stack.clock.now()
    early = await make_coupon(stack, valid_from=now + DAY)
    late = await make_coupon(stack, valid_from=now - 2 * DAY, valid_until=now - DAY)

    await refused_by_both(customer, early, "coupon_invalid", "not valid yet")
    await refused_by_both(customer, late, "coupon_expired", "has expired")


async def test_a_disabled_coupon_is_refused(stack: Stack, customer: AigenwayCustomer) -> None:
    code = await make_coupon(stack)
    await Coupons(stack.database, stack.clock).disable(code)

    await refused_by_both(customer, code, "coupon_invalid", "no longer accepted")


async def test_a_coupon_that_does_not_fit_the_request_is_refused(
    stack: Stack, customer: AigenwayCustomer
) -> None:
    others = await make_coupon(stack, models=frozenset({"kling-2.6"}))
    larger = await make_coupon(stack, minimum_nano=PRICE + 1)

    await refused_by_both(customer, others, "coupon_invalid", "other models")
    await refused_by_both(customer, larger, "coupon_invalid", "at least")
    fitting = await make_coupon(stack, models=frozenset({"nanobanana-2"}), minimum_nano=PRICE)
    assert (await estimated(customer, fitting)).status_code == 200


async def test_a_coupon_that_is_none_is_refused(customer: AigenwayCustomer) -> None:
    await refused_by_both(customer, "NONE", "coupon_invalid", "no such coupon")
