from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from shared.providers.base import Done, Failed, Output, Running
from shared.providers.errors import ErrorClass
from shared.providers.exchange import NoReply, Reply
from shared.providers.kie_answers import read_record, read_submit
from shared.providers.kie_errors import ROWS, rows
from shared.providers.refusals import compile_patterns
from tests.unit.providers.replies import HTML, LOST, UNSENT, reply


def record(state: object, **fields: Any) -> Reply:
    data = {"taskId": "t1", "state": state, "resultJson": "", "failCode": "", "failMsg": "", **fields}
    return reply(200, {"code": 200, "msg": "success", "data": data})


def results(*urls: str, **more: Any) -> str:
    return orjson.dumps({"resultUrls": urls, **more}).decode()


def outcome(result: Running | Done | Failed | str) -> ErrorClass | str:
    return result.error_class if isinstance(result, Failed) else type(result).__name__


@pytest.mark.parametrize(
    "body",
    [
        {"code": 200, "msg": "success", "data": {"taskId": "t1"}},
        {"code": 200, "message": "success", "data": {"taskId": "t1"}},
        {"code": "200", "data": {"taskId": "t1"}},
        {"data": {"taskId": "t1"}},
    ],
)
def test_an_accepted_submission_gives_the_id(body: dict[str, Any]) -> None:
    assert read_submit(reply(200, body), ROWS) == "t1"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(200, {"code": 200, "data": {}}), ErrorClass.SUBMIT_AMBIGUOUS),
        (reply(200, {"code": 200, "data": None}), ErrorClass.SUBMIT_AMBIGUOUS),
        (reply(200, {"code": 200, "data": {"taskId": "a/b"}}), ErrorClass.SUBMIT_AMBIGUOUS),
        (reply(200, b"{broken"), ErrorClass.SUBMIT_AMBIGUOUS),
        (LOST, ErrorClass.SUBMIT_AMBIGUOUS),
        (UNSENT, ErrorClass.TRANSIENT),
        (reply(502, HTML), ErrorClass.SUBMIT_AMBIGUOUS),
        (reply(401, b""), ErrorClass.CREDENTIAL),
        (reply(500, {"code": 200, "msg": "odd"}), ErrorClass.SUBMIT_AMBIGUOUS),
        (reply(200, {"code": 418, "msg": "teapot"}), ErrorClass.UNKNOWN),
        (reply(200, {"code": 401, "msg": "x"}), ErrorClass.CREDENTIAL),
        (reply(200, {"code": "402", "msg": "x"}), ErrorClass.QUOTA),
        (reply(200, {"code": 505, "msg": "x"}), ErrorClass.MODEL_GONE),
        (reply(200, {"code": 501, "msg": "x"}), ErrorClass.TRANSIENT),
        (reply(200, {"code": 500, "msg": "x"}), ErrorClass.SUBMIT_AMBIGUOUS),
    ],
)
def test_the_code_in_the_body_decides_over_the_http_status(
    answer: Reply | NoReply, expected: ErrorClass
) -> None:
    assert outcome(read_submit(answer, ROWS)) is expected


@pytest.mark.parametrize("name", ["msg", "message"])
def test_the_text_is_read_under_both_names(name: str) -> None:
    answer = reply(200, {"code": 422, name: "prompt is required"})
    assert read_submit(answer, ROWS) == Failed(ErrorClass.CALLER_FAULT, "prompt is required")


def test_a_rate_limit_keeps_the_delay() -> None:
    result = read_submit(reply(200, {"code": 429, "msg": "slow down"}, Retry_After="4"), ROWS)
    assert isinstance(result, Failed)
    assert result.retry_after == timedelta(seconds=4)


@pytest.mark.parametrize("state", ["waiting", "queuing", "generating"])
def test_a_task_that_runs_is_running(state: str) -> None:
    assert read_record(record(state), ROWS) == Running()


@pytest.mark.parametrize(
    "answer",
    [
        record("dreaming"),
        record(None),
        reply(200, {"code": 200, "data": None}),
        reply(200, {"code": 404, "msg": "recordInfo is null", "data": None}),
        reply(200, {"code": 401, "msg": "x"}),
        reply(200, {"code": 429, "msg": "x"}),
        reply(200, {"code": 500, "msg": "x", "data": {"state": "success"}}),
        reply(500, {"code": 500, "msg": "x"}),
        reply(502, HTML),
        reply(200, HTML),
        reply(200, b"{broken"),
        LOST,
        UNSENT,
    ],
)
def test_anything_unclear_means_keep_polling_and_says_why(answer: Reply | NoReply) -> None:
    state = read_record(answer, ROWS)
    assert isinstance(state, Running)
    assert state.note


def test_an_unknown_state_is_named_in_the_note() -> None:
    assert read_record(record("dreaming"), ROWS) == Running(note="unknown state 'dreaming'")


def test_the_result_is_a_json_string() -> None:
    answer = record("success", resultJson=results("https://f/1", "https://f/2"))
    assert read_record(answer, ROWS) == Done((Output("https://f/1"), Output("https://f/2")))


def test_only_the_result_urls_are_outputs() -> None:
    answer = record("success", resultJson=results("https://f/1.mp4", firstFrameUrl="https://f/1.png"))
    assert read_record(answer, ROWS) == Done((Output("https://f/1.mp4"),))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"consumeCredits": 4}, 20_000_000),
        ({"consumeCredits": 0.1}, 500_000),
        ({"creditsConsumed": 18}, 90_000_000),
        ({"consumeCredits": 0}, 0),
        ({"consumeCredits": -1}, None),
        ({"consumeCredits": True}, None),
        ({"consumeCredits": "4"}, None),
        ({"consumeCredits": 1e300}, None),
        ({}, None),
    ],
)
def test_credits_are_half_a_cent_each(fields: dict[str, Any], expected: int | None) -> None:
    done = read_record(record("success", resultJson=results("https://f/1"), **fields), ROWS)
    assert isinstance(done, Done)
    assert done.cost_nano == expected


@pytest.mark.parametrize("result", ["", None, "{broken", "[]", results(), "null", 7])
def test_a_success_without_a_file_is_no_output(result: object) -> None:
    assert outcome(read_record(record("success", resultJson=result), ROWS)) is ErrorClass.NO_OUTPUT


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("422", "Invalid prompt: prompt contains prohibited content", ErrorClass.POLICY_REFUSAL),
        ("500", "Your content was flagged as violating content policies.", ErrorClass.POLICY_REFUSAL),
        ("422", "image_urls is required", ErrorClass.CALLER_FAULT),
        ("500", "Internal Error, Please try again later.", ErrorClass.TRANSIENT),
        (501, "generation failed", ErrorClass.TRANSIENT),
        ("", "", ErrorClass.TRANSIENT),
        (None, None, ErrorClass.TRANSIENT),
    ],
)
def test_a_failure_is_told_inside_code_200(code: object, text: object, expected: ErrorClass) -> None:
    assert outcome(read_record(record("fail", failCode=code, failMsg=text), ROWS)) is expected


def test_the_patterns_of_refusals_can_be_replaced() -> None:
    answer = record("fail", failCode="500", failMsg="computer says no")
    table = rows(compile_patterns(["computer says no"]))
    assert outcome(read_record(answer, table)) is ErrorClass.POLICY_REFUSAL


@pytest.mark.parametrize("word", [None, True, 7, [], ["succeeded"], {}, {"status": "success"}])
def test_a_state_that_is_no_word_means_keep_polling(word: object) -> None:
    assert isinstance(read_record(record(word), ROWS), Running)
