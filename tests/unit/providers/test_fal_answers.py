from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.providers.base import Done, Failed, Output, Running
from shared.providers.errors import ErrorClass
from shared.providers.exchange import NoReply, Reply
from shared.providers.fal_answers import Completed, Submitted, read_result, read_status, read_submit
from tests.unit.providers.replies import HTML, LOST, UNSENT, reply

LOCKED = "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."
DONE = Completed()


def detail(kind: str, message: str = "message") -> dict[str, Any]:
    return {
        "detail": [{"loc": ["body", "prompt"], "msg": message, "type": kind, "url": "https://docs.fal.ai/e"}]
    }


def outcome(result: Running | Done | Failed | Submitted | Completed) -> ErrorClass | str:
    return result.error_class if isinstance(result, Failed) else type(result).__name__


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(200, {"request_id": "abc-1", "status": "IN_QUEUE"}), "Submitted"),
        (reply(200, {"status": "IN_QUEUE"}), ErrorClass.SUBMIT_AMBIGUOUS),
        (reply(200, {"request_id": "../../x"}), ErrorClass.SUBMIT_AMBIGUOUS),
        (reply(200, {"request_id": 7}), ErrorClass.SUBMIT_AMBIGUOUS),
        (reply(200, b"{broken"), ErrorClass.SUBMIT_AMBIGUOUS),
        (reply(200, []), ErrorClass.SUBMIT_AMBIGUOUS),
        (LOST, ErrorClass.SUBMIT_AMBIGUOUS),
        (UNSENT, ErrorClass.TRANSIENT),
        (reply(500, {"detail": "Internal Server Error"}), ErrorClass.SUBMIT_AMBIGUOUS),
        (reply(500, b"oops"), ErrorClass.SUBMIT_AMBIGUOUS),
        (reply(502, HTML, x_fal_request_id="r"), ErrorClass.SUBMIT_AMBIGUOUS),
        (reply(502, HTML), ErrorClass.TRANSIENT),
        (reply(503, {"detail": "x", "error_type": "runner_scheduling_failure"}), ErrorClass.TRANSIENT),
        (reply(500, b"x", x_fal_error_type="internal_error"), ErrorClass.TRANSIENT),
        (reply(504, {"detail": "x", "error_type": "request_timeout"}), ErrorClass.TRANSIENT),
        (reply(400, {"detail": "x", "error_type": "bad_request"}), ErrorClass.CALLER_FAULT),
        (reply(401, {"detail": "x"}), ErrorClass.CREDENTIAL),
        (reply(403, {"detail": "Forbidden"}), ErrorClass.CREDENTIAL),
        (reply(404, {"detail": "Application not found"}), ErrorClass.MODEL_GONE),
        (reply(422, {"detail": "unprocessable"}), ErrorClass.CALLER_FAULT),
        (reply(429, {"detail": "slow down"}), ErrorClass.RATE_LIMIT),
        (reply(307, b"", Location="https://elsewhere.example/"), ErrorClass.UNKNOWN),
    ],
)
def test_a_submission_is_classified_by_its_answer(
    answer: Reply | NoReply, expected: ErrorClass | str
) -> None:
    assert outcome(read_submit(answer)) == expected


def test_a_rate_limit_keeps_the_delay() -> None:
    result = read_submit(reply(429, {"detail": "slow down"}, Retry_After="7"))
    assert isinstance(result, Failed)
    assert result.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize(
    "text", [LOCKED, "User is locked. Reason: TOP_UP", "User is locked. Reason: Admin lock."]
)
def test_a_locked_user_is_out_of_quota_and_not_a_bad_key(text: str) -> None:
    result = read_submit(reply(403, {"detail": text}))
    assert isinstance(result, Failed)
    assert result.error_class is ErrorClass.QUOTA
    assert "fal.ai" not in result.message


def test_our_own_start_deadline_is_not_tried_again() -> None:
    answer = reply(
        504, {"detail": "timed out", "error_type": "request_timeout"}, X_Fal_Request_Timeout_Type="user"
    )
    assert outcome(read_submit(answer)) is ErrorClass.DEADLINE
    assert outcome(read_result(answer, DONE)) is ErrorClass.DEADLINE


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(200, {"status": "IN_QUEUE", "queue_position": 2}), Running(queue_position=2)),
        (reply(202, {"status": "IN_PROGRESS", "logs": None}), Running()),
        (reply(200, {"status": "COMPLETED", "metrics": {}}), Completed()),
        (reply(200, {"status": "COMPLETED", "error": "e", "error_type": "t"}), Completed("e", "t")),
    ],
)
def test_the_status_is_judged_by_the_body(answer: Reply, expected: Running | Completed) -> None:
    assert read_status(answer) == expected


@pytest.mark.parametrize(
    "answer",
    [
        reply(200, {"status": "WARMING_UP"}),
        reply(200, {"status": None}),
        reply(200, {}),
        reply(200, []),
        reply(200, b"{broken"),
        reply(200, HTML),
        reply(500, {"status": "COMPLETED"}),
        reply(502, HTML),
        reply(504, b"", X_Fal_Request_Timeout_Type="user"),
        reply(401, {"detail": "x"}),
        reply(403, {"detail": LOCKED}),
        reply(404, {"detail": "x"}),
        reply(429, {"detail": "x"}),
        LOST,
        UNSENT,
    ],
)
def test_a_status_that_tells_nothing_means_keep_polling(answer: Reply | NoReply) -> None:
    result = read_status(answer)
    assert isinstance(result, Running)
    assert result.note


def test_an_unknown_status_word_is_named_in_the_note() -> None:
    assert read_status(reply(200, {"status": "WARMING_UP"})) == Running(note="unknown status 'WARMING_UP'")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(422, detail("content_policy_violation")), ErrorClass.POLICY_REFUSAL),
        (reply(422, detail("no_media_generated")), ErrorClass.NO_OUTPUT),
        (reply(422, detail("image_too_small")), ErrorClass.CALLER_FAULT),
        (reply(422, detail("file_download_error")), ErrorClass.CALLER_FAULT),
        (reply(422, detail("generation_timeout")), ErrorClass.TRANSIENT),
        (reply(422, detail("newly_invented"), X_Fal_Retryable="true"), ErrorClass.TRANSIENT),
        (reply(422, detail("newly_invented"), X_Fal_Retryable="false"), ErrorClass.CALLER_FAULT),
        (reply(422, detail("newly_invented")), ErrorClass.UNKNOWN),
        (reply(500, detail("internal_server_error")), ErrorClass.TRANSIENT),
        (reply(500, {"detail": "x", "error_type": "runner_server_error"}), ErrorClass.TRANSIENT),
        (reply(503, {"detail": "x", "error_type": "runner_disconnected"}), ErrorClass.TRANSIENT),
        (reply(499, {"detail": "x", "error_type": "client_cancelled"}), ErrorClass.CANCELLED),
        (reply(200, {"images": []}), ErrorClass.NO_OUTPUT),
        (reply(200, {"images": None, "description": "https://example.com/"}), ErrorClass.NO_OUTPUT),
        (reply(200, detail("content_policy_violation")), ErrorClass.POLICY_REFUSAL),
        (
            reply(200, {"images": [{"url": "https://x/1"}], "has_nsfw_concepts": [True]}),
            ErrorClass.POLICY_REFUSAL,
        ),
        (reply(200, {"status": "IN_PROGRESS"}), "Running"),
        (reply(202, {"status": "IN_QUEUE"}), "Running"),
        (reply(400, {"detail": "Request is still in progress", "error_type": "bad_request"}), "Running"),
        (reply(200, b"{broken"), "Running"),
        (reply(401, {"detail": "x"}), "Running"),
        (reply(404, {"detail": "x"}), "Running"),
        (reply(429, {"detail": "x"}), "Running"),
        (reply(500, {"detail": "x"}), "Running"),
        (reply(502, HTML), "Running"),
        (LOST, "Running"),
    ],
)
def test_the_result_decides_after_completed(answer: Reply | NoReply, expected: ErrorClass | str) -> None:
    assert outcome(read_result(answer, DONE)) == expected


@pytest.mark.parametrize(
    ("completed", "answer", "expected"),
    [
        (Completed("boom"), reply(500, b"boom"), ErrorClass.TRANSIENT),
        (Completed("boom", "runner_server_error"), reply(500, b"boom"), ErrorClass.TRANSIENT),
        (Completed("flagged by the safety system"), reply(500, b"boom"), ErrorClass.POLICY_REFUSAL),
        (Completed("x", "content_policy_violation"), reply(500, b""), ErrorClass.POLICY_REFUSAL),
        (Completed("x", "no_media_generated"), reply(200, {"images": []}), ErrorClass.NO_OUTPUT),
        (Completed("boom"), reply(422, detail("content_policy_violation")), ErrorClass.POLICY_REFUSAL),
        (Completed("boom"), reply(200, b"{broken"), ErrorClass.TRANSIENT),
        (Completed("boom"), reply(429, b""), "Running"),
        (Completed("boom"), LOST, "Running"),
        (Completed("boom"), reply(200, {"images": [{"url": "https://x/1"}]}), "Done"),
    ],
)
def test_completed_with_an_error_is_a_failure_once_the_result_was_asked_for(
    completed: Completed, answer: Reply | NoReply, expected: ErrorClass | str
) -> None:
    assert outcome(read_result(answer, completed)) == expected


def test_no_media_generated_twice_is_no_output_twice() -> None:
    answer = reply(422, detail("no_media_generated", "unsafe content"), X_Fal_Retryable="true")
    results = [read_result(answer, DONE) for _ in range(2)]
    assert results[0] == results[1] == Failed(ErrorClass.NO_OUTPUT, "unsafe content")


def test_fewer_images_than_asked_are_delivered_as_they_are() -> None:
    answer = reply(
        200, {"images": [{"url": "https://files.example/1.png", "content_type": "image/png"}], "seed": 1}
    )
    assert read_result(answer, DONE) == Done((Output("https://files.example/1.png", None, "image/png"),))


def test_only_the_flagged_pictures_are_dropped() -> None:
    images = [{"url": "https://x/1"}, {"url": "https://x/2"}]
    answer = reply(200, {"images": images, "has_nsfw_concepts": [True, False]})
    assert read_result(answer, DONE) == Done((Output("https://x/2"),))


def test_a_refusal_among_several_details_decides() -> None:
    body = {"detail": [*detail("value_error")["detail"], *detail("content_policy_violation", "no")["detail"]]}
    assert read_result(reply(422, body), DONE) == Failed(ErrorClass.POLICY_REFUSAL, "no")


@pytest.mark.parametrize("word", [None, True, 7, [], ["succeeded"], {}, {"status": "success"}])
def test_a_state_that_is_no_word_means_keep_polling(word: object) -> None:
    assert isinstance(read_status(reply(200, {"status": word})), Running)


@pytest.mark.parametrize("word", [[], {}, 7])
def test_a_result_whose_status_is_no_word_is_no_output(word: object) -> None:
    result = read_result(reply(200, {"status": word, "has_nsfw_concepts": word}), DONE)
    assert outcome(result) is ErrorClass.NO_OUTPUT
