"""What an answer makes of a delivery."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.notifier.courier import conclude
from services.notifier.delivery import Delivery, NewDelivery
from services.notifier.sender import Answer
from shared.webhooks.states import DeliveryState

NOW = datetime(2026, 2, 3, 9, 0, tzinfo=UTC)


def delivery(attempts_made: int) -> Delivery:
    return Delivery(
        "whd_1", "gen_1", "acc_1", "https://a.example/", "a.example", b"{}", attempts_made, "own_1", NOW
    )


@pytest.mark.parametrize(
    ("attempts_made", "answer", "state", "wait"),
    [
        (0, Answer(status=204), DeliveryState.DELIVERED, None),
        (7, Answer(status=200), DeliveryState.DELIVERED, None),
        (0, Answer(status=500, error="answered 500"), DeliveryState.PENDING, timedelta(seconds=5)),
        (0, Answer(error="address not allowed"), DeliveryState.PENDING, timedelta(seconds=5)),
        (1, Answer(error="timed out"), DeliveryState.PENDING, timedelta(minutes=5)),
        (0, Answer(status=410, error="answered 410"), DeliveryState.GAVE_UP, None),
        (7, Answer(status=500, error="answered 500"), DeliveryState.GAVE_UP, None),
        (
            0,
            Answer(status=503, error="answered 503", headers={"retry-after": "600"}),
            DeliveryState.PENDING,
            timedelta(minutes=10),
        ),
    ],
)
def test_an_answer_ends_a_delivery_or_sets_its_next_time(
    attempts_made: int, answer: Answer, state: DeliveryState, wait: timedelta | None
) -> None:
    recording = conclude(delivery(attempts_made), answer, NOW, NOW, jitter=0)

    assert recording.state is state
    assert recording.wake_at == (NOW + wait if wait is not None else None)
    assert recording.attempt is not None
    assert recording.attempt.number == attempts_made + 1


def test_another_round_of_attempts_starts_the_schedule_anew() -> None:
    again = replace(delivery(8), attempts_before=8)

    recording = conclude(again, Answer(status=500, error="answered 500"), NOW, NOW, jitter=0)

    assert recording.wake_at == NOW + timedelta(seconds=5)
    assert recording.attempt is not None
    assert recording.attempt.number == 9


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://A.Example/hook?x=1", "a.example"),
        ("https://a.example:8443?x=1", "a.example:8443"),
        ("https://a.example#x", "a.example"),
        ("nonsense", "nonsense"),
    ],
)
def test_deliveries_are_grouped_by_host_and_port(url: str, host: str) -> None:
    assert NewDelivery("gen_1", "acc_1", "eggapi", "task.completed", url, b"{}").host == host
