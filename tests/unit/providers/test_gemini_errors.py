from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from shared.providers.errors import ErrorClass, classify
from shared.providers.gemini_errors import ROWS, failure, read_facts
from tests.unit.providers.replies import HTML, reply

FIXTURES = Path(__file__).parents[2] / "fixtures" / "provider_errors" / "gemini"


def recorded(name: str) -> dict[str, Any]:
    answer: dict[str, Any] = orjson.loads((FIXTURES / f"{name}.json").read_bytes())
    return answer


def error(code: int, status: str, message: str = "", *details: dict[str, Any]) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


def ended(reason: str) -> dict[str, Any]:
    return {"candidates": [{"finishReason": reason, "index": 0}]}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_row_has_a_recorded_answer_that_no_row_before_it_takes(row: Any) -> None:
    answer = recorded(row.name)
    body = answer["body"].encode() if isinstance(answer["body"], str) else answer["body"]
    found = reply(answer["status"], body, **answer["headers"])
    assert classify(ROWS, read_facts(found)) is row
    assert failure(found).error_class is row.error_class


@pytest.mark.parametrize(
    "reason", ["SAFETY", "OTHER", "BLOCKLIST", "IMAGE_SAFETY", "MODEL_ARMOR", "A_NEW_ONE"]
)
def test_a_200_with_a_block_reason_is_a_refusal(reason: str) -> None:
    failed = failure(reply(200, {"promptFeedback": {"blockReason": reason}}))
    assert failed.error_class is ErrorClass.POLICY_REFUSAL
    assert reason in failed.message


@pytest.mark.parametrize(
    ("reason", "error_class"),
    [
        *(
            (reason, ErrorClass.POLICY_REFUSAL)
            for reason in (
                "SAFETY",
                "BLOCKLIST",
                "PROHIBITED_CONTENT",
                "SPII",
                "IMAGE_SAFETY",
                "IMAGE_PROHIBITED_CONTENT",
                "RECITATION",
                "IMAGE_RECITATION",
            )
        ),
        *(
            (reason, ErrorClass.NO_OUTPUT)
            for reason in ("NO_IMAGE", "IMAGE_OTHER", "OTHER", "STOP", "A_NEW_ONE")
        ),
        *(
            (reason, ErrorClass.TRANSIENT)
            for reason in ("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS")
        ),
    ],
)
def test_a_finish_reason_without_output_tells_why(reason: str, error_class: ErrorClass) -> None:
    assert failure(reply(200, ended(reason))).error_class is error_class


def test_the_delay_is_read_from_the_body_before_the_header() -> None:
    body = error(429, "RESOURCE_EXHAUSTED", "slow down", {"retryDelay": "38s"})
    assert failure(reply(429, body, retry_after="5")).retry_after == timedelta(seconds=38)
    assert failure(reply(429, error(429, "RESOURCE_EXHAUSTED"), retry_after="5")).retry_after == timedelta(
        seconds=5
    )


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [
        ("0.5s", 0.5),
        ("38.204517312s", 38.204517),
        ("900000s", 3600),
        ("soon", None),
        (38, None),
        ("-3s", None),
    ],
)
def test_only_a_sound_duration_is_a_delay_and_never_more_than_an_hour(
    delay: object, seconds: float | None
) -> None:
    found = failure(reply(429, error(429, "RESOURCE_EXHAUSTED", "", {"retryDelay": delay}))).retry_after
    assert found == (None if seconds is None else timedelta(seconds=seconds))


def test_a_quota_for_the_day_is_not_waited_for() -> None:
    answer = recorded("daily_quota")
    failed = failure(reply(429, answer["body"], retry_after="38"))
    assert failed.error_class is ErrorClass.QUOTA
    assert failed.retry_after is None


def test_an_invalid_key_is_the_credential_and_not_the_callers_fault() -> None:
    by_reason = error(400, "INVALID_ARGUMENT", "Bad", {"reason": "API_KEY_INVALID"})
    by_text = error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")
    for body in (by_reason, by_text):
        assert failure(reply(400, body)).error_class is ErrorClass.CREDENTIAL


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_leaves_nothing_running(status: int) -> None:
    assert failure(reply(status, HTML)).error_class is ErrorClass.TRANSIENT
    assert failure(reply(status, error(status, "INTERNAL", "oops"))).error_class is ErrorClass.TRANSIENT


def test_an_error_in_a_list_or_under_200_counts_by_its_own_code() -> None:
    limited = error(429, "RESOURCE_EXHAUSTED", "slow down", {"retryDelay": "38s"})
    for found in (reply(429, [limited]), reply(200, [limited]), reply(200, limited)):
        failed = failure(found)
        assert failed.error_class is ErrorClass.RATE_LIMIT
        assert failed.retry_after == timedelta(seconds=38)


def test_an_error_without_a_code_under_200_is_the_servers() -> None:
    assert failure(reply(200, {"error": {"message": "?"}})).error_class is ErrorClass.TRANSIENT


def test_a_status_nobody_knows_is_unknown() -> None:
    failed = failure(reply(418, b""))
    assert failed.error_class is ErrorClass.UNKNOWN
    assert failed.message == "The provider answered 418."


def test_the_message_names_no_host() -> None:
    assert "ai.google.dev" not in failure(reply(429, recorded("rate_limited")["body"])).message


def test_the_message_of_a_failed_tool_call_does_not_repeat_the_models_words() -> None:
    assert failure(reply(200, recorded("tool_call_failed")["body"])).message == (
        "The model finished without the wanted output (MALFORMED_FUNCTION_CALL)."
    )
