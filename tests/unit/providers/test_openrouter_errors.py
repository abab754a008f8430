from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.providers.base import Failed
from shared.providers.errors import ErrorClass
from shared.providers.openrouter_errors import failure
from tests.unit.providers.replies import HTML, reply


def error(code: int | str | None, message: str = "No.", **metadata: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "metadata": metadata}}


@pytest.mark.parametrize("metadata", [{"reasons": ["violence"]}, {"flagged_input": "a hen"}])
def test_a_403_with_moderation_is_a_refusal_and_leaves_the_key_alone(metadata: dict[str, Any]) -> None:
    assert failure(reply(403, error(403, "Flagged", **metadata))).error_class is ErrorClass.POLICY_REFUSAL


def test_a_403_without_moderation_is_about_the_key() -> None:
    assert failure(reply(403, error(403, reasons=[]))).error_class is ErrorClass.CREDENTIAL


def test_a_keys_spending_limit_is_a_quota() -> None:
    answer = reply(403, error(403, "Key limit exceeded (monthly limit)."))
    assert failure(answer) == Failed(ErrorClass.QUOTA, "Key limit exceeded (monthly limit).")


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (404, "No endpoints found that support the requested output modalities: image, text"),
        (404, "No endpoints found matching your data policy"),
        (400, "acme/hen-9 is not a valid model ID"),
    ],
)
def test_a_model_without_endpoints_is_gone_and_not_the_callers_fault(status: int, message: str) -> None:
    assert failure(reply(status, error(status, message))).error_class is ErrorClass.MODEL_GONE


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (400, ErrorClass.CALLER_FAULT),
        (401, ErrorClass.CREDENTIAL),
        (402, ErrorClass.QUOTA),
        (404, ErrorClass.MODEL_GONE),
        (408, ErrorClass.TRANSIENT),
        (422, ErrorClass.CALLER_FAULT),
        (429, ErrorClass.RATE_LIMIT),
        (502, ErrorClass.TRANSIENT),
        (524, ErrorClass.TRANSIENT),
        (529, ErrorClass.TRANSIENT),
        ("429", ErrorClass.RATE_LIMIT),
        (418, ErrorClass.UNKNOWN),
    ],
)
@pytest.mark.parametrize("inside", [True, False])
def test_the_code_in_the_body_counts_inside_a_200(
    inside: bool, code: int | str, expected: ErrorClass
) -> None:
    status = 200 if inside else int(code)
    assert failure(reply(status, error(code))).error_class is expected
    assert failure(reply(status, {"choices": [error(code)]})).error_class is expected


def test_the_status_of_the_answer_counts_outside_a_200() -> None:
    assert failure(reply(503, error(400))).error_class is ErrorClass.TRANSIENT


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ('{"error":{"message":"bad size"}}', "Provider returned error: bad size"),
        ({"message": "bad size"}, "Provider returned error: bad size"),
        ("bad size", "Provider returned error: bad size"),
        ("", "Provider returned error"),
        ({"data": 1}, "Provider returned error"),
        (None, "Provider returned error"),
    ],
)
def test_what_the_provider_behind_it_said_is_told(raw: Any, text: str) -> None:
    answer = reply(400, error(400, "Provider returned error", provider_name="OpenAI", raw=raw))
    assert failure(answer) == Failed(ErrorClass.CALLER_FAULT, text)


def test_the_refusal_of_the_provider_behind_it_is_a_refusal() -> None:
    raw = '{"error":{"message":"Your request was rejected by the safety system."}}'
    answer = reply(400, error(400, "Provider returned error", raw=raw))
    assert failure(answer).error_class is ErrorClass.POLICY_REFUSAL


def test_a_rate_limit_keeps_its_delay() -> None:
    assert failure(reply(429, error(429), Retry_After="7")).retry_after == timedelta(seconds=7)


def test_a_gateways_page_is_transient() -> None:
    assert failure(reply(524, HTML)) == Failed(ErrorClass.TRANSIENT, "nginx")
