"""What providers tell of their charges, of failures too."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shared.providers.base import Done, Failed, Output, Running
from shared.providers.errors import ErrorClass
from shared.providers.fal_answers import Completed, read_result
from shared.providers.kie_answers import read_record
from shared.providers.kie_errors import ROWS as KIE_ROWS
from shared.providers.metering import counted
from shared.providers.openai_images import settle
from shared.providers.openrouter_images import read_chat_image
from shared.providers.replicate_answers import read_prediction
from shared.providers.replicate_errors import ROWS as REPLICATE_ROWS
from shared.providers.several import merged
from tests.unit.providers.replies import reply

OUTPUT = (Output("https://f/1"),)
BROKEN = Failed(ErrorClass.TRANSIENT, "boom", cost_nano=3, metered=Decimal("0.5"))


@pytest.mark.parametrize(
    ("stated", "number"),
    [
        ("3", Decimal(3)),
        (" 2.5 ", Decimal("2.5")),
        (3, Decimal(3)),
        (0.1, Decimal("0.1")),
        (0, Decimal(0)),
        (1e-05, Decimal("0.00001")),
    ],
)
def test_a_plain_number_is_counted(stated: object, number: Decimal) -> None:
    assert counted(stated) == number


@pytest.mark.parametrize(
    "stated", [None, True, "", "-1", -1, "1e9", "NaN", float("nan"), float("inf"), 10**9, "9" * 10, [1], "٣"]
)
def test_what_is_no_plain_number_counts_as_nothing_said(stated: object) -> None:
    assert counted(stated) is None


def test_fal_tells_its_billable_units_with_the_result() -> None:
    images = {"images": [{"url": "https://f/1"}]}
    assert read_result(reply(200, images, x_fal_billable_units="2.5"), Completed()) == Done(
        OUTPUT, metered=Decimal("2.5")
    )
    assert read_result(reply(200, images), Completed()) == Done(OUTPUT)


def test_fal_tells_them_of_a_failure_too() -> None:
    refused = {"detail": [{"type": "content_policy_violation", "msg": "no", "loc": ["body", "prompt"]}]}
    answer = read_result(reply(422, refused, x_fal_billable_units="1"), Completed())
    assert isinstance(answer, Failed)
    assert (answer.error_class, answer.metered) == (ErrorClass.POLICY_REFUSAL, Decimal(1))


@pytest.mark.parametrize(("status", "output"), [("succeeded", "https://f/1"), ("failed", None)])
def test_replicate_tells_how_long_a_prediction_ran(status: str, output: str | None) -> None:
    body = {"status": status, "output": output, "error": "boom", "metrics": {"predict_time": 2.4}}
    answer = read_prediction(reply(200, body), REPLICATE_ROWS)
    assert not isinstance(answer, Running)
    assert answer.metered == Decimal("2.4")


@pytest.mark.parametrize(("spent", "nano"), [(0, 0), (4, 20_000_000), (None, None)])
def test_kie_tells_the_credits_of_a_failed_task(spent: int | None, nano: int | None) -> None:
    data = {"taskId": "t", "state": "fail", "failCode": "500", "failMsg": "boom", "consumeCredits": spent}
    answer = read_record(reply(200, {"code": 200, "data": data}), KIE_ROWS)
    assert isinstance(answer, Failed)
    assert answer.cost_nano == nano


def test_openrouter_tells_the_cost_of_a_chat_without_an_image() -> None:
    choice = {"message": {"role": "assistant", "refusal": "no"}, "finish_reason": "stop"}
    body = {"choices": [choice], "usage": {"cost": 0.0013}}
    answer = read_chat_image(reply(200, body), lambda _: BROKEN)
    assert isinstance(answer, Failed)
    assert (answer.error_class, answer.cost_nano) == (ErrorClass.POLICY_REFUSAL, 1_300_000)


def test_parts_that_failed_are_paid_with_those_that_came() -> None:
    came = Done(OUTPUT, 20, metered=Decimal(1))
    assert merged([came, BROKEN]) == Done(OUTPUT, 23, metered=Decimal("1.5"))
    assert merged([came, Running(), BROKEN]) == Running(
        ready=OUTPUT, ready_cost_nano=23, ready_metered=Decimal("1.5")
    )
    together = merged([BROKEN, BROKEN])
    assert isinstance(together, Failed)
    assert (together.cost_nano, together.metered) == (6, Decimal(1))


def test_calls_that_failed_are_paid_with_those_that_came() -> None:
    assert settle([Done(OUTPUT, 20), BROKEN]) == Done(OUTPUT, 23)
    together = settle([BROKEN, BROKEN])
    assert isinstance(together, Failed)
    assert together.cost_nano == 6
