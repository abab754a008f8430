from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.providers.base import Failed
from shared.providers.errors import ErrorClass
from shared.providers.openai_errors import failure
from tests.unit.providers.replies import HTML, reply


def error(code: str | None, kind: str = "invalid_request_error", message: str = "No.") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def test_insufficient_quota_under_429_is_no_rate_limit_and_never_waited_for() -> None:
    body = error("insufficient_quota", "insufficient_quota", "You exceeded your current quota.")
    assert failure(reply(429, body, Retry_After="20")) == Failed(
        ErrorClass.QUOTA, "You exceeded your current quota."
    )


def test_a_hard_limit_under_400_is_not_the_callers_fault() -> None:
    assert failure(reply(400, error("billing_hard_limit_reached"))).error_class is ErrorClass.QUOTA


@pytest.mark.parametrize("code", ["moderation_blocked", "content_policy_violation", "invalid_prompt"])
def test_moderation_under_400_is_a_refusal(code: str) -> None:
    assert failure(reply(400, error(code, "image_generation_user_error"))) == Failed(
        ErrorClass.POLICY_REFUSAL, "No."
    )


@pytest.mark.parametrize("should_retry", ["true", "false"])
def test_a_rate_limit_waits_by_the_finest_header_whatever_x_should_retry_says(should_retry: str) -> None:
    answer = reply(
        429,
        error("rate_limit_exceeded", "tokens", "Please try again in 12s."),
        Retry_After_Ms="1500",
        Retry_After="2",
        X_Should_Retry=should_retry,
    )
    assert failure(answer) == Failed(
        ErrorClass.RATE_LIMIT, "Please try again in 12s.", timedelta(seconds=1.5)
    )


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "invalid_value", ErrorClass.CALLER_FAULT),
        (400, "context_length_exceeded", ErrorClass.CALLER_FAULT),
        (401, "invalid_api_key", ErrorClass.CREDENTIAL),
        (403, "unsupported_country_region_territory", ErrorClass.CREDENTIAL),
        (403, "model_not_found", ErrorClass.MODEL_GONE),
        (404, "model_not_found", ErrorClass.MODEL_GONE),
        (404, None, ErrorClass.MODEL_GONE),
        (409, None, ErrorClass.TRANSIENT),
        (413, None, ErrorClass.CALLER_FAULT),
        (418, None, ErrorClass.UNKNOWN),
        (503, None, ErrorClass.TRANSIENT),
        (200, "context_length_exceeded", ErrorClass.CALLER_FAULT),
        (200, None, ErrorClass.CALLER_FAULT),
    ],
)
def test_an_error_is_classified_by_its_code_and_then_its_status(
    status: int, code: str | None, expected: ErrorClass
) -> None:
    assert failure(reply(status, error(code))).error_class is expected


def test_a_gateways_page_is_transient_and_its_markup_is_not_told() -> None:
    assert failure(reply(502, HTML)) == Failed(ErrorClass.TRANSIENT, "nginx")


@pytest.mark.parametrize("body", [{"error": "overloaded"}, {"error": {"message": 7}}, [], None])
def test_errors_of_no_known_shape_are_classified_by_status(body: Any) -> None:
    assert failure(reply(500, body)).error_class is ErrorClass.TRANSIENT
